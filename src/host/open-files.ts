// How many files the data may keep open. A partition that is written to needs one at least. Opening and closing them
// again and again, and syncing them before they may be closed, costs more (decision 17).

import { readFileSync } from 'node:fs';

/** The process may have to share its descriptors with an application, and clients take one each. */
const SHARE = 4;
const FILES_MIN = 128;
const FILES_MAX = 16_384;
/** Where the system does not tell: below the usual limit of 1,024. */
const FILES_UNTOLD = 512;

/** A share of the process's limit of descriptors; Node has raised that to the hard limit. */
export function openFilesAllowed(limits: string | null = ownLimits()): number {
  const told = limits === null ? null : /^Max open files\s+(\d+|unlimited)/m.exec(limits);
  if (told === null) return FILES_UNTOLD;
  const limit = told[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(told[1]);
  return Math.max(FILES_MIN, Math.min(FILES_MAX, Math.floor(limit / SHARE)));
}

function ownLimits(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null;
  }
}
