// Up to where each log is clean: `<data>/cleaner-offset-checkpoint`, in Kafka's text format
// (org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile):
//   0                          version
//   2                          entries
//   __consumer_offsets 17 812  topic, partition, first dirty offset
// What is missing or stale costs a pass that finds nothing new; cleaning twice changes nothing.

import type { Disk } from '../disk/disk.ts';
import { readSmallFile, replaceFile } from '../disk/small-file.ts';

export const CLEANER_CHECKPOINT_FILE = 'cleaner-offset-checkpoint';

export class CleanerCheckpoint {
  readonly #disk: Disk;
  /** By log name, `<topic>-<partition>`. */
  readonly #offsets: Map<string, number>;
  #lane: Promise<void> = Promise.resolve();

  private constructor(disk: Disk, offsets: Map<string, number>) {
    this.#disk = disk;
    this.#offsets = offsets;
  }

  static async load(disk: Disk): Promise<CleanerCheckpoint> {
    const bytes = await readSmallFile(disk, CLEANER_CHECKPOINT_FILE);
    const text = bytes?.toString('utf8') ?? '';
    return new CleanerCheckpoint(disk, decodeCheckpoint(text));
  }

  /** First dirty offset of a log; 0 when it was never cleaned. */
  get(name: string): number {
    return this.#offsets.get(name) ?? 0;
  }

  /** Durable when it resolves. Throws DiskError; the offset then counts for this run. */
  async set(name: string, offset: number): Promise<void> {
    this.#offsets.set(name, offset);
    await this.#save();
  }

  /** The log is deleted: one of the same name begins anew. */
  async forget(name: string): Promise<void> {
    if (this.#offsets.delete(name)) await this.#save();
  }

  #save(): Promise<void> {
    const done = this.#lane.then(() =>
      replaceFile(this.#disk, CLEANER_CHECKPOINT_FILE, encodeCheckpoint(this.#offsets)),
    );
    this.#lane = done.catch(() => {});
    return done;
  }
}

export function encodeCheckpoint(offsets: ReadonlyMap<string, number>): Buffer {
  const lines = [...offsets].map(([name, offset]) => {
    const dash = name.lastIndexOf('-');
    return `${name.slice(0, dash)} ${name.slice(dash + 1)} ${offset}\n`;
  });
  return Buffer.from(`0\n${lines.length}\n${lines.join('')}`);
}

/** Lines that are not as they should be are left out. */
export function decodeCheckpoint(text: string): Map<string, number> {
  const offsets = new Map<string, number>();
  const lines = text.split('\n');
  if (lines[0] !== '0') return offsets;
  for (const line of lines.slice(2)) {
    const found = /^(\S+) ([0-9]{1,9}) ([0-9]{1,16})$/.exec(line);
    const offset = Number(found?.[3]);
    if (found === null || !Number.isSafeInteger(offset)) continue;
    offsets.set(`${found[1]}-${found[2]}`, offset);
  }
  return offsets;
}
