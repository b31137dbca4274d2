// A logger is the application's, and may fail; what is told must not decide what is done.

import { expect, test } from 'vitest';
import type { Logger } from '../../../src/base/ports.ts';
import { serveAlone } from '../../../src/compose/serve-alone.ts';
import { batchOf } from '../engine/support/batches.ts';
import { FaultyDisk } from '../engine/support/faulty-disk.ts';

test('whoever waits for a disk that fails is told, though the logger throws', async () => {
  let told = 0;
  const fails = (): never => {
    told++;
    throw new Error('the log is full');
  };
  const logger: Logger = { debug: fails, info: fails, warn: fails, error: fails };
  const disk = new FaultyDisk();
  const broker = await serveAlone({ memory: true, port: 0, logger }, { disk });
  await broker.engine.createTopic({ name: 't', partitions: 1 });
  disk.refuse = (operation, path) => operation === 'write' && path.startsWith('t-0/');
  const request = { records: batchOf(['v']), acks: -1, origin: 'client' } as const;
  const appended = broker.engine.partition('t', 0)!.append(request);
  await expect(appended).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  expect(told).toBeGreaterThan(0);
  disk.refuse = () => false;
  await broker.close();
});
