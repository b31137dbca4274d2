// Whatever happens to a fetch while it waits, it is answered once: as soon as there is enough, at the latest when its time
// is up; and it leaves nothing behind.

import { expect, test } from 'vitest';
import { Deadlines } from '../../../src/broker/fetch/deadlines.ts';
import { FetchSet } from '../../../src/broker/fetch/fetch-set.ts';
import type { TargetReader } from '../../../src/broker/fetch/read-targets.ts';
import { runFetch } from '../../../src/broker/fetch/run-fetch.ts';
import { GoneWaiters } from '../../../src/broker/gone-waiters.ts';
import { AnswerBudget, MemoryGate } from '../../../src/broker/memory-gate.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { fc } from '../../support/fast-check.ts';
import { fakePartition, fakeTopic } from './support/fake-partition.ts';

const MAX_WAIT_MS = 100;
const kinds = ['commit', 'commit', 'commit', 'time', 'time', 'slow', 'topic', 'fail'] as const;

/** Three partitions, and a fetch of all of them that has begun. */
function begin(minBytes: number, slow: number) {
  const clock = new VirtualClock();
  const topic = fakeTopic('t', 3);
  const all = [0, 1, 2].map((index) => fakePartition(topic, index));
  for (const partition of all) partition.inMemory = partition.index !== slow;
  // While it is read, much may happen to those before it.
  all[slow]?.commit(1);
  const set = new FetchSet(false);
  const asked = { topicId: '', fetchOffset: 0, maxBytes: 1_000_000 };
  for (const { index } of all) {
    set.put({ ...asked, topic: 't', index, currentLeaderEpoch: -1, lastFetchedEpoch: -1 });
  }
  const gate = new MemoryGate(10_000_000);
  const memory = new AnswerBudget(gate);
  const gone = new GoneWaiters();
  const answers: TargetReader[] = [];
  const run = async () => {
    const reader = await runFetch({
      set,
      clock,
      deadlines: new Deadlines(clock),
      lookup: { partition: (_, index) => all[index], topicName: () => undefined },
      limits: { isolation: 'read_uncommitted', maxBytes: 1_000_000, progress: true, memory },
      minBytes,
      maxWaitMs: MAX_WAIT_MS,
      fetcher: { onGone: (callback) => gone.add(callback) },
    });
    answers.push(reader);
  };
  return { clock, all, set, gate, memory, gone, answers, running: run() };
}

test('a fetch that waits', async () => {
  const step = fc.record({
    kind: fc.constantFrom(...kinds, 'gone', 'end'),
    which: fc.nat(2),
    bytes: fc.constantFrom(1, 5, 20),
  });
  const cases = fc.record({
    steps: fc.array(step, { maxLength: 20 }),
    minBytes: fc.constantFrom(1, 10, 60),
    slow: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ steps, minBytes, slow }) => {
      const world = begin(minBytes, slow);
      const { clock, all, set, gate, memory, gone, answers } = world;
      let due = false;
      for (const { kind, which, bytes } of steps) {
        const partition = all[which] as (typeof all)[number];
        if (kind === 'time') {
          await clock.advance(bytes);
          const there = all.flatMap(({ sizes }) => sizes).reduce((sum, size) => sum + size, 0);
          due ||= there >= minBytes || clock.monotonic() > MAX_WAIT_MS;
          expect(answers.length).toBe(due ? 1 : 0);
        } else if (kind === 'commit') {
          partition.commit(bytes);
        } else if (kind === 'slow') partition.inMemory = !partition.inMemory;
        else if (kind === 'topic') set.topicChanged('t');
        else if (kind === 'gone') gone.tell();
        else if (kind === 'end') set.dispose();
        else {
          partition.online = false;
          partition.commit();
          // Of one that has records the rest can still be read.
          due ||= partition.sizes.length === 0;
          await clock.advance(1);
        }
        due ||= kind === 'gone' || kind === 'end';
      }
      await clock.advance(MAX_WAIT_MS);
      await world.running;
      expect(answers.length).toBe(1);
      const [reader] = answers as [TargetReader];
      expect(new Set(reader.results.map(({ target }) => target)).size).toBe(reader.results.length);
      const told = reader.results.reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(reader.bytes).toBe(told);
      expect(gate.usedBytes).toBe(told);
      set.dispose();
      memory.end();
      expect(all.map(({ watchers }) => watchers.size)).toEqual([0, 0, 0]);
      expect([gate.usedBytes, set.ready.size]).toEqual([0, 0]);
    }),
    { numRuns: 300 },
  );
});
