import { describe, expect, test } from 'vitest';
import { Progress } from '../../../../src/client/consumer/progress.ts';
import { fc } from '../../../support/fast-check.ts';

describe('what may be committed', () => {
  test('stops before the first record that is not dealt with', () => {
    const progress = new Progress(5, -1);
    for (const offset of [5, 6, 8]) progress.begin(offset, 2);
    expect([progress.position, progress.next, progress.epoch]).toEqual([5, 9, 2]);
    progress.end(6);
    progress.end(8);
    expect(progress.position).toBe(5);
    progress.end(5);
    expect(progress.position).toBe(9);
    progress.pass(12);
    progress.pass(3);
    expect([progress.position, progress.next]).toEqual([12, 12]);
  });

  test('one that was replaced keeps nobody waiting', async () => {
    const progress = new Progress(0, -1);
    progress.begin(0, 0);
    const idle = progress.idle();
    progress.abandon();
    await idle;
    expect(progress.isIdle).toBe(true);
  });

  test('is right in any order of doing', () => {
    const runs = fc.array(fc.record({ gap: fc.nat(2), when: fc.nat(5_000) }), { maxLength: 3_000 });
    fc.assert(
      fc.property(runs, (records) => {
        const progress = new Progress(0, -1);
        let next = 0;
        const todo = records.map(({ gap, when }) => {
          const offset = next + gap;
          next = offset + 1;
          progress.begin(offset, 0);
          return { offset, when };
        });
        const open = new Set(todo.map((one) => one.offset));
        const byTime = todo.toSorted((a, b) => a.when - b.when);
        for (const [index, { offset }] of byTime.entries()) {
          progress.end(offset);
          open.delete(offset);
          if (index % 97 !== 0) continue;
          expect(progress.position).toBe(Math.min(next, ...open));
        }
        expect(progress.position).toBe(next);
        expect(progress.isIdle).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('whoever waits hears when nothing is at work', async () => {
    const progress = new Progress(0, -1);
    await progress.idle();
    progress.begin(0, 0);
    let heard = false;
    const waiting = progress.idle().then(() => {
      heard = true;
    });
    await Promise.resolve();
    expect(heard).toBe(false);
    progress.end(0);
    await waiting;
  });
});
