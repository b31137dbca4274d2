// Partitions as people list them.

import { usageError } from './exit-codes.ts';

/** `0,2`, `0-3`, several times; null: all. */
export function partitionsOf(lists: readonly string[] | undefined): readonly number[] | null {
  if (lists === undefined) return null;
  const wanted = new Set<number>();
  for (const part of lists.flatMap((list) => list.split(','))) {
    const match = /^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || to < from) {
      throw usageError(`--partition ${part}: write numbers such as 0,2 or 0-3`);
    }
    for (let partition = from; partition <= to; partition++) wanted.add(partition);
  }
  return [...wanted].sort((a, b) => a - b);
}
