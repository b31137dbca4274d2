// Which damage is done to which file, from a seed.

import type { Damage } from './damage.ts';

/** Mulberry32: small, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of each kind of damage, at random places. */
export function damages(random: () => number): Damage[] {
  const stretch = (length: number) => {
    const from = random();
    return { from, to: from + length * random() };
  };
  return [
    { kind: 'deleted' },
    { kind: 'emptied' },
    { kind: 'truncated', from: random(), to: 1 },
    { kind: 'zeroed', ...stretch(0.5) },
    { kind: 'zeroed', from: 0, to: 1 },
    { kind: 'flipped', ...stretch(0) },
    { kind: 'flipped', ...stretch(0.1) },
  ];
}
