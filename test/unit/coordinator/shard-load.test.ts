import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { Shard, type StateMachine, Step } from '../../../src/coordinator/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** Knows nothing, and cannot begin the first time. */
class Beginner implements StateMachine<never, never, Step<never, never>> {
  static begun = 0;

  newStep(nowMs: number): Step<never, never> {
    return new Step(nowMs);
  }

  apply(): void {}
  replay(): void {}
  handle(): void {}

  loaded(): void {
    Beginner.begun++;
    if (Beginner.begun === 1) throw new Error('a broken invariant');
  }

  encode(): never {
    throw new Error('it has no records');
  }
}

test('a state that cannot be begun with is loaded again, and ends no process', async () => {
  const clock = new VirtualClock();
  const shard = new Shard({
    partition: 0,
    clock,
    logger: silentLogger,
    newMachine: () => new Beginner(),
    log: {
      partitionCount: () => 1,
      create: async () => 1,
      append: async () => {},
      async *read() {},
    },
  });
  await shard.load();
  expect(shard.state).toBe('failed');
  await clock.advance(1000);
  expect(shard.state).toBe('active');
});
