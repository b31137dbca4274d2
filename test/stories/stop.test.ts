// Commands that write are told to end while the broker refuses what they write: each ends by itself, with 130, and says
// what became of the records. One that went on waiting would be ended by the test's own limit.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { remoteCluster } from '../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../src/testing/index.ts';
import { JobStore } from '../../tools/replay/index.ts';
import { eventually } from '../support/eventually.ts';
import { finished, scratch, start, tidemark } from './support.ts';

const directory = scratch();
const archive = join(directory.path, 'orders.archive');
afterAll(() => directory.remove());

/** A broker with records, dead letters among them, and an empty topic beside them. */
async function filled(): Promise<TestBroker> {
  const broker = await startBroker({ topics: { orders: 1, 'orders.dlq': 1, copy: 1 } });
  await broker.produce('orders', [{ value: 'one' }, { value: 'two' }]);
  const headers = { 'tidemark.dlq.topic': 'copy', 'tidemark.dlq.error': 'TypeError' };
  await broker.produce('orders.dlq', [{ value: 'three', headers }]);
  return broker;
}

beforeAll(async () => {
  const broker = await filled();
  const args = ['archive', 'export', 'orders', '--to', archive, '-b', broker.bootstrap];
  expect(await tidemark(args)).toMatchObject({ code: 0 });
  await broker.close();
});

/** Ids of topics that go on taking records. */
async function idsOf(broker: TestBroker, names: readonly string[]): Promise<readonly string[]> {
  const cluster = remoteCluster(broker.bootstrap);
  await new JobStore(cluster).prepare();
  const topics = await Promise.all(names.map((name) => cluster.topic(name)));
  await cluster.close();
  return topics.map((topic) => topic.id);
}

interface Written {
  readonly topicData: readonly { readonly topicId: string }[];
}

/** Whose broker refuses everything: of a job that is not noted nothing can be said. */
const commands = [
  [['produce', 'copy'], /1 record not acknowledged/],
  [['demo', 'load'], /0 records written to demo\.\*, \d+ not acknowledged/],
  [['archive', 'import', archive, '--to', 'copy'], /go on with the same command and --resume/],
  [['replay', 'orders', '--to', 'copy', '--id', 'r', '--execute'], /interrupted/],
  [['replay', 'orders', '--to', 'copy', '--id', 'r', '--as-is', '--execute'], /interrupted/],
  [['dlq', 'redrive', 'orders.dlq', '--id', 'd', '--execute'], /interrupted/],
  [['bench'], /interrupted/],
] as const;

/** Whose broker takes the notes of jobs. */
const noted = [
  [commands[2][0], /not acknowledged, and may be written all the same/],
  [commands[3][0], /had not acknowledged orders\/0\/0 by the end.*--resume r/s],
  [commands[4][0], /had not acknowledged .* by the end.*--resume r/s],
  [commands[5][0], /had not acknowledged orders\.dlq\/0\/0 by the end.*--resume d/s],
] as const;

describe.each([
  ['everything', [], commands],
  ['all but the notes of jobs', ['__tidemark_jobs'], noted],
])('a broker that refuses %s', (_, taken, cases) => {
  test.concurrent.each<readonly [readonly string[], RegExp]>(cases)(
    '%j ends',
    async (args, words) => {
      const broker = await filled();
      const ids = await idsOf(broker, taken);
      let refused = 0;
      const when = (request: unknown): boolean => {
        const refuses = (request as Written).topicData.every(
          ({ topicId }) => !ids.includes(topicId),
        );
        if (refuses) refused += 1;
        return refuses;
      };
      broker.fail('Produce', {
        error: 'KAFKA_STORAGE_ERROR',
        times: Number.POSITIVE_INFINITY,
        when,
      });
      const child = start([...args, '-b', broker.bootstrap]);
      const ended = finished(child);
      // What is typed has no end.
      child.stdin?.write('a line\n');
      await eventually(() => expect(refused).toBeGreaterThan(0));
      child.kill('SIGTERM');
      const { code, stderr } = await ended;
      expect(stderr).toMatch(words);
      expect(code).toBe(130);
      await broker.close();
    },
    60_000,
  );
});
