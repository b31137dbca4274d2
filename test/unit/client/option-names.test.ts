import { afterAll, expect, test } from 'vitest';
import { connect, type Log, open } from '../../../src/index.ts';

const opened: Log[] = [];
afterAll(() => Promise.all(opened.map((log) => log.close())));

test('an option that there is not, as those of other clients, is told with the names that there are', async () => {
  const log = await open({ memory: true });
  opened.push(log);
  const consumer = { topics: ['a'], groupId: 'g' };
  expect(() => log.consumer(consumer)).toThrow(
    "a consumer has no option 'groupId'; there are topics,",
  );
  const producer = { lingerMS: 5 } as object;
  expect(() => log.producer(producer)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  await expect(log.serve({ prot: 0 } as object)).rejects.toThrow("serve has no option 'prot'");
  await expect(open({ memory: true }, { config: {} } as object)).rejects.toThrow("'config'");
  await expect(connect('x:1', { clientID: 'me' } as object)).rejects.toThrow("'clientID'");
  const tls = { ca: 5 } as object;
  await expect(connect('x:1', { tls })).rejects.toThrow('tls.ca is no PEM text');
});
