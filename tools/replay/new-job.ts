// The record of a job that has not begun.

import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { JobRecord } from './types.ts';

/** What every job is told; the rest is as it is for a job that takes everything and has done nothing. */
export type NewJob = Pick<JobRecord, 'source' | 'target' | 'stretches'> &
  Partial<Omit<JobRecord, 'startedMs' | 'updatedMs'>> & {
    /** Milliseconds since the epoch. */
    readonly nowMs: number;
  };

/** Who runs this process, `user@host`. */
export function userAtHost(): string {
  return `${userInfo().username}@${hostname()}`;
}

/** A job under a random id, unless one is given. */
export function newJob({ nowMs, source, target, stretches, ...more }: NewJob): JobRecord {
  return {
    id: randomBytes(4).toString('hex'),
    state: 'running',
    who: userAtHost(),
    startedMs: nowMs,
    updatedMs: nowMs,
    source,
    target,
    filter: null,
    module: null,
    pace: { recordsPerSecond: null, bytesPerSecond: null, speed: null },
    includeReplayed: true,
    stretches,
    positions: {},
    targetPositions: {},
    counts: { read: 0, selected: 0, written: 0, skipped: 0, bytes: 0 },
    error: null,
    ...more,
  };
}
