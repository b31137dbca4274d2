// The power cut, in two steps: `arm` writes without end and records outside what was acknowledged; after the power was
// cut and is back, `check` looks for all of it.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeDisk } from '../../src/host/node-disk.ts';
import type { PartitionLog } from '../../src/storage/index.ts';
import { type CheckResult, checkLogs } from './check.ts';
import { openLogs } from './log-set.ts';
import { makeBatch } from './records.ts';

const TELL_EVERY_MS = 100;
const VALUE_BYTES = 300;
const RECORDS = 10;

export interface ArmOptions {
  readonly directory: string;
  /** Where acknowledgements are recorded: best on another disk, or another machine's. */
  readonly acks: string;
  readonly maxBytes: number;
  /** Hears the same lines, ten a second. */
  readonly onAcks: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The directory that survives the power cut. */
export function armedDirectory(directory: string): string {
  return join(directory, 'tidemark-torture-armed');
}

/** Writes until the power goes (or the signal comes). Continues what an earlier arming left. */
export async function arm(options: ArmOptions): Promise<void> {
  const { signal, acks } = options;
  const path = armedDirectory(options.directory);
  await mkdir(path, { recursive: true });
  const set = await openLogs(new NodeDisk(path), path);
  const file = openSync(acks, 'a');
  const tell = (): void => {
    // Only what is committed by now: the line is written after the fact, never before.
    const ends = set.logs.map((log) => log.highWatermark);
    const line = JSON.stringify({ at: new Date().toISOString(), ends });
    writeSync(file, `${line}\n`);
    fdatasyncSync(file);
    options.onAcks(line);
  };
  const timer = setInterval(tell, TELL_EVERY_MS);
  const bytesPerLog = options.maxBytes / set.logs.length / 2;
  try {
    await Promise.all(set.logs.map((log, index) => armLog(log, index, { bytesPerLog, signal })));
    tell();
  } finally {
    clearInterval(timer);
    closeSync(file);
    await set.store.close();
  }
}

async function armLog(
  log: PartitionLog,
  partition: number,
  how: { readonly bytesPerLog: number; readonly signal: AbortSignal },
): Promise<void> {
  while (!how.signal.aborted) {
    const batch = makeBatch({ partition, offset: log.endOffset }, RECORDS, VALUE_BYTES);
    await log.append(batch).committed;
    // Room is made by giving up the older half, so that the run has no end.
    if (log.sizeBytes() > how.bytesPerLog) {
      const half = Math.floor((log.startOffset + log.highWatermark) / 2);
      await log.deleteRecordsBefore(half);
    }
  }
}

export interface ArmedCheck extends CheckResult {
  /** When the last acknowledgement was recorded; null when none was. */
  readonly lastAck: string | null;
  readonly acknowledged: number;
}

/** Compares the armed directory with the recorded acknowledgements. Throws when `acks` cannot be read. */
export async function checkArmed(directory: string, acks: string): Promise<ArmedCheck> {
  const acked = new Map<number, number>();
  let lastAck: string | null = null;
  for (const line of (await readFile(acks, 'utf8')).split('\n')) {
    const entry = parseAck(line);
    if (entry === null) continue;
    lastAck = entry.at;
    entry.ends.forEach((end, partition) => {
      acked.set(partition, Math.max(acked.get(partition) ?? 0, end));
    });
  }
  const result = await checkLogs(armedDirectory(directory), acked);
  const acknowledged = [...acked.values()].reduce((sum, end) => sum + end, 0);
  return { ...result, lastAck, acknowledged };
}

/** A line of the record; null for one that the power cut left torn. */
function parseAck(line: string): { at: string; ends: number[] } | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return null;
    if (!('at' in value) || !('ends' in value)) return null;
    const { at, ends } = value;
    if (typeof at !== 'string' || !Array.isArray(ends)) return null;
    return ends.every(Number.isSafeInteger) ? { at, ends: ends as number[] } : null;
  } catch {
    return null;
  }
}
