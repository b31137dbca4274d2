import { describe, expect, test } from 'vitest';
import { KeyedPool } from '../../../../src/client/consumer/keyed-pool.ts';

function gate(): { open: () => void; passed: Promise<void> } {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

describe('a pool with lanes', () => {
  test('one lane is worked on in order, others meanwhile', async () => {
    const pool = new KeyedPool(2, 10);
    const first = gate();
    const done: string[] = [];
    const task =
      (name: string, after: Promise<void> = Promise.resolve()) =>
      async () => {
        await after;
        done.push(name);
      };
    pool.add('a', task('a1', first.passed));
    pool.add('a', task('a2'));
    pool.add('b', task('b1'));
    pool.add('c', task('c1'));
    while (done.length < 2) await Promise.resolve();
    expect(done).toEqual(['b1', 'c1']);
    first.open();
    await pool.idle();
    expect(done).toEqual(['b1', 'c1', 'a1', 'a2']);
    expect(pool.size).toBe(0);
  });

  test('no more than so many at once, and room is waited for', async () => {
    const pool = new KeyedPool(3, 5);
    let running = 0;
    let most = 0;
    for (let index = 0; index < 40; index++) {
      await pool.room();
      expect(pool.size).toBeLessThan(5);
      pool.add(String(index % 9), async () => {
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < 8 + (index % 4); turn++) await Promise.resolve();
        running -= 1;
      });
    }
    await pool.idle();
    expect(most).toBe(3);
  });
});
