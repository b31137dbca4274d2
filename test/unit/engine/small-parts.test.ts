import { describe, expect, test, vi } from 'vitest';
import { Mutex } from '../../../src/base/mutex.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { CommitWaiters } from '../../../src/engine/commit-waiters.ts';
import { FreeSpace } from '../../../src/engine/free-space.ts';
import { forEachLimited } from '../../../src/engine/limited.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { eventually } from '../../support/eventually.ts';

describe('forEachLimited', () => {
  test('never runs more than the limit, and runs all', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('a failure ends it after what is under way', async () => {
    const started: number[] = [];
    const run = forEachLimited([1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error('no');
    });
    await expect(run).rejects.toThrow('no');
    expect(started.length).toBeLessThan(5);
  });
});

test('a mutex runs one after the other, also after a failure', async () => {
  const mutex = new Mutex();
  const steps: string[] = [];
  const work = (name: string, fails: boolean) =>
    mutex.run(async () => {
      steps.push(`${name} begins`);
      await Promise.resolve();
      steps.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  await Promise.allSettled([work('a', true), work('b', false)]);
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('appends keep their order while a codec is loaded', async () => {
  // Other tests of this process may have loaded it.
  vi.resetModules();
  const { TurnQueue } = await import('../../../src/engine/turn-queue.ts');
  const { isCodecReady, prepareCodec } = await import('../../../src/record/index.ts');
  expect(isCodecReady('zstd')).toBe(false);
  const queue = new TurnQueue();
  const order: number[] = [];
  const work = (index: number, waits: boolean) => async () => {
    if (waits) await prepareCodec('zstd');
    order.push(index);
    if (index === 2) throw new Error('this one fails');
  };
  expect(queue.idle).toBe(true);
  await new Promise<void>((done) => {
    queue.run(work(1, true));
    queue.run(work(2, false));
    queue.run(work(3, true));
    queue.run(async () => done());
    expect(queue.idle).toBe(false);
    expect(order).toEqual([]);
  });
  expect(order).toEqual([1, 2, 3]);
  await eventually(() => expect(queue.idle).toBe(true));
});

test('commit waiters are released by offset, or all refused', () => {
  const waiters = new CommitWaiters();
  const seen: string[] = [];
  const wait = (offset: number) =>
    waiters.wait(offset, (failure) => {
      seen.push(failure === null ? `${offset} committed` : `${offset} failed`);
    });
  for (const offset of [4, 5, 9]) wait(offset);
  waiters.committed(5);
  expect(seen).toEqual(['4 committed']);
  waiters.failed(new Error('gone'));
  expect(seen).toEqual(['4 committed', '5 failed', '9 failed']);
});

describe('free space', () => {
  function bench(floor: number) {
    const clock = new VirtualClock();
    const state = { free: 1000, asked: 0, floor };
    const space = new FreeSpace({
      freeBytes: async () => {
        state.asked += 1;
        return state.free;
      },
      floorBytes: () => state.floor,
      clock,
      logger: silentLogger,
    });
    return { clock, state, space };
  }

  test('counts what was admitted since the disk was asked', async () => {
    const { space } = bench(100);
    await space.refresh();
    // Each byte twice: the journal may hold it too.
    expect(space.admits(300)).toBe(true);
    expect(space.admits(150)).toBe(true);
    expect(space.admits(1)).toBe(false);
    space.close();
  });

  test('asks again from time to time, until it is closed', async () => {
    const { space, state, clock } = bench(100);
    await space.refresh();
    expect(space.admits(901)).toBe(false);
    state.free = 2000;
    await clock.advance(10_000);
    expect(space.admits(901)).toBe(true);
    space.close();
    const { asked } = state;
    await clock.advance(100_000);
    expect(state.asked).toBe(asked);
  });

  test('asks again after many bytes', async () => {
    const { space, state } = bench(100);
    state.free = 2 ** 28;
    await space.refresh();
    const { asked } = state;
    for (let count = 0; count < 17; count += 1) space.admits(1024 * 1024);
    expect(state.asked).toBeGreaterThan(asked);
    space.close();
  });

  test('0 switches the check off', async () => {
    const { space, state } = bench(0);
    state.free = 0;
    await space.refresh();
    expect(space.admits(1_000_000)).toBe(true);
    space.close();
  });
});
