// What is done before each measurement, so that nobody pays for what was measured before.

import { tmpdir } from 'node:os';
import { runChild } from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';
import { warmMemory } from './warm-memory.ts';

const SYNC_MS = 300_000;

/**
 * Brings to the disk what others have left to the system: else the next one's syncs and reads would wait for it. Before
 * that it has memory ready for so many bytes that are written; a quick run does without.
 */
export async function prepareMachine(
  { options }: Pick<SuiteRun, 'options'>,
  writtenBytes = 0,
): Promise<void> {
  if (writtenBytes > 0 && !options.quick) warmMemory(tmpdir(), 2 * writtenBytes);
  await runChild('sync', [], { timeoutMs: SYNC_MS });
}

/** The list with another first in each round: nobody is always the first, or behind the same one. */
export function inTurn<T>(list: readonly T[], round: number): T[] {
  const turn = round % Math.max(1, list.length);
  return [...list.slice(turn), ...list.slice(0, turn)];
}
