// Whether the program goes on, and when it does again.

import { describe, expect, test } from 'vitest';
import { Stuck } from '../../../../src/client/consumer/stuck.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';

function begin() {
  const clock = new VirtualClock();
  const stuck = new Stuck(clock);
  const ends = (): { over: boolean } => {
    const seen = { over: false };
    void stuck.end(new AbortController().signal).then(() => {
      seen.over = true;
    });
    return seen;
  };
  return { clock, stuck, ends };
}

describe('a program that hung goes on', () => {
  test('when its loop asks for the next record', async () => {
    const { clock, stuck, ends } = begin();
    stuck.moved();
    const seen = ends();
    await clock.advance(10);
    expect(seen.over).toBe(false);
    stuck.wait();
    await clock.advance(10);
    expect(seen.over).toBe(true);
  });

  test('at once, if its loop waits for records already', async () => {
    const { clock, stuck, ends } = begin();
    stuck.wait();
    const seen = ends();
    await clock.advance(10);
    expect(seen.over).toBe(true);
  });

  test('when the handler that hung is done, not when another one is', async () => {
    const { clock, stuck, ends } = begin();
    stuck.wait();
    const hung = stuck.begin();
    const seen = ends();
    const other = stuck.begin();
    stuck.done(other);
    await clock.advance(10);
    expect(seen.over).toBe(false);
    stuck.done(hung);
    await clock.advance(10);
    expect(seen.over).toBe(true);
  });
});
