// What the replay tools answer to what people type: options that mean nothing there, names that are not, jobs that are
// held, cancelled and gone on with.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { remoteCluster } from '../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../src/testing/index.ts';
import { JobStore } from '../../tools/replay/index.ts';
import { finished, start, tidemark } from './support.ts';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: 2, copy: 2, 'orders.dlq': 1 } });
  const records = Array.from({ length: 400 }, (_, n) => ({ key: `k${n}`, value: { n } }));
  await broker.produce('orders', records);
  const letters = [0, 1].map((n) => ({
    value: { n },
    headers: { 'tidemark.dlq.topic': 'orders', 'tidemark.dlq.partition': '0' },
  }));
  await broker.produce('orders.dlq', letters);
});
afterAll(() => broker.close());

const run = (...args: string[]) => tidemark([...args, '-b', broker.bootstrap]);

test.each([
  [['--bytes-rate', '0'], '--bytes-rate 0: write more than 0'],
  [['--rate', '0'], '--rate 0: write a number above 0'],
  [['--url-timeout', '0s'], '--url-timeout 0s: write more than 0'],
])('replay %j is refused', async (options, words) => {
  const { code, stderr } = await run('replay', 'orders', '--to', 'copy', ...options);
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
});

test('a group that has committed nothing of the topic is a name mistyped', async () => {
  const { code, stderr } = await run(
    'replay',
    'orders',
    '--to',
    'copy',
    '-o',
    'committed',
    '-g',
    'no',
  );
  expect([code, stderr]).toEqual([
    3,
    expect.stringContaining("group 'no' has committed no offset of orders"),
  ]);
});

test('a job is held, shown, cancelled with an exit code that tells, and goes on at another pace', async () => {
  const cluster = remoteCluster(broker.bootstrap);
  const store = new JobStore(cluster);
  const stateIs = (state: string) =>
    expect
      .poll(async () => (await store.get('slow').catch(() => null))?.state, { timeout: 20_000 })
      .toBe(state);
  try {
    await store.prepare();
    const args = ['replay', 'orders', '--to', 'copy', '--id', 'slow', '--rate', '20', '--execute'];
    const ended = finished(start([...args, '-b', broker.bootstrap]));
    await stateIs('running');
    expect((await run('replay', 'pause', 'slow')).code).toBe(0);
    await stateIs('paused');
    const shown = await run('replay', 'show', 'slow');
    expect(shown.stdout).toMatch(/^job slow {2}paused$/m);
    expect(shown.stdout).toMatch(/^pace +20 records\/s$/m);
    expect(shown.stdout).toMatch(/^go on +"tidemark replay resume slow"$/m);
    expect(shown.stdout).toMatch(/^orders\/0 +0 +\d+ +\d+ +\d+ +from earliest/m);
    await run('replay', 'cancel', 'slow');
    expect(await ended).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('cancelled: '),
    });
    const anew = await run('replay', '--resume', 'slow', '--filter', 'true');
    expect([anew.code, anew.stderr]).toEqual([2, expect.stringContaining('leave --filter out')]);
    const resumed = await run('replay', '--resume', 'slow', '--rate', '100000', '--json');
    expect(JSON.parse(resumed.stdout)).toMatchObject({ state: 'done' });
    expect((await store.get('slow')).pace.recordsPerSecond).toBe(100_000);
    expect(await broker.records('copy')).toHaveLength(400);
  } finally {
    await cluster.close();
  }
}, 60_000);

test('letters that are named: what became of them is told, and that there are none', async () => {
  const letter = ['dlq', 'redrive', 'orders.dlq', '-l', '0/1', '--execute'];
  expect((await run(...letter)).stderr).toContain('1 letter redriven');
  const again = await run(...letter);
  expect(again.stderr).toContain('letter 0/1 of orders.dlq is redriven already');
  expect((await run('dlq', 'show', 'orders.dlq', '-l', '0/1')).stdout).toContain('0/1 (redriven)');
  for (const verb of ['redrive', 'discard', 'show']) {
    const { code, stderr } = await run('dlq', verb, 'orders.dlq', '-l', '0/7');
    expect([code, stderr]).toEqual([
      3,
      expect.stringContaining('there is no letter 0/7 in orders.dlq'),
    ]);
  }
});
