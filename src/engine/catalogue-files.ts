// The catalogue on disk: `<data>/catalogue/<generation>.snapshot` and `<generation>.log`, both rows
// of frames:
//
//   byte 0  uint32  length of the payload
//        4  uint32  CRC-32C of the payload
//        8          payload: one record in JSON
//
// A snapshot begins with a frame `{ records: <how many follow> }`. A generation is its snapshot,
// then the records of its log. Every start begins a new generation, so nothing is ever appended to
// a file that an earlier process may have failed to sync; the generation before it is kept in case
// the new snapshot turns out unreadable. Where that one could not stand in, because it is damaged or
// ends in a change that failed, two generations are begun, so that one snapshot is never all there
// is. What cannot be read is renamed to `<file>.damaged` and never removed; in a log, it costs the records behind it
// only where they cannot be found.

import { crc32c } from '../base/crc32c.ts';
import { type Disk, DiskError, type DiskFile } from '../storage/index.ts';

const CATALOGUE_DIRECTORY = 'catalogue';
const FRAME_BYTES = 8;
/** A log of this size is replaced by a snapshot. */
const LOG_BYTES_MAX = 1024 * 1024;

/** Something of the catalogue that could not be read. */
export interface CatalogueDamage {
  readonly path: string;
  /** The first bad byte. */
  readonly position: number;
  /** Not used: from there on, or the whole of a snapshot. */
  readonly bytes: number;
  /**
   * The end of the newest log, as a crash in the middle of a write leaves it: nothing lost that was
   * acknowledged.
   */
  readonly tornTail: boolean;
}

/** What was found on disk: records in order, the newest generation, and what is unreadable. */
export interface CatalogueContent {
  readonly records: readonly unknown[];
  readonly generation: number;
  readonly damage: readonly CatalogueDamage[];
}

interface Stretch {
  readonly position: number;
  readonly bytes: number;
}

interface Frames {
  readonly records: unknown[];
  readonly length: number;
  /** Bad frames; one behind which no good one was found goes up to the end. */
  readonly bad: readonly Stretch[];
  /** Whether the last of them is a frame cut off by the end of the file, or the last one. */
  readonly atTail: boolean;
}

function frame(record: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(record));
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + payload.length);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.writeUInt32BE(crc32c(payload), 4);
  payload.copy(bytes, FRAME_BYTES);
  return bytes;
}

/** The records of one file, with what cannot be read of it. */
export function readFrames(bytes: Buffer): Frames {
  const records: unknown[] = [];
  const bad: Stretch[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = frameEnd(bytes, at);
    const record = recordAt(bytes, at);
    // The length of a bad one is believed where it leads to a good one.
    if (record === undefined && (end >= bytes.length || recordAt(bytes, end) === undefined)) {
      bad.push({ position: at, bytes: bytes.length - at });
      return { records, length: bytes.length, bad, atTail: end >= bytes.length };
    }
    if (record === undefined) bad.push({ position: at, bytes: end - at });
    else records.push(record);
    at = end;
  }
  return { records, length: bytes.length, bad, atTail: false };
}

/** Where the frame says that it ends; infinity for one that is cut off. */
function frameEnd(bytes: Buffer, at: number): number {
  if (bytes.length - at < FRAME_BYTES) return Number.POSITIVE_INFINITY;
  const end = at + FRAME_BYTES + bytes.readUInt32BE(at);
  return end > bytes.length ? Number.POSITIVE_INFINITY : end;
}

function recordAt(bytes: Buffer, at: number): object | undefined {
  const end = frameEnd(bytes, at);
  if (end > bytes.length) return undefined;
  const payload = bytes.subarray(at + FRAME_BYTES, end);
  return crc32c(payload) === bytes.readUInt32BE(at + 4) ? decode(payload) : undefined;
}

/** A record is an object; anything else reads as unreadable. */
function decode(payload: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The files of one catalogue. Calls must not overlap. */
export class CatalogueFiles {
  readonly #disk: Disk;
  #generation = 0;
  #log: DiskFile | null = null;
  #logBytes = 0;
  /** Files that are unreadable in part, to be set aside. */
  #damaged: readonly string[] = [];
  #spoilt = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * Whether the log should give way to a snapshot before anything is added to it: it is large, a write to it failed, or
   * beginning two generations ended after the first, where a snapshot of the second may hide what is added to it.
   */
  get wantsSnapshot(): boolean {
    return this.#log === null || this.#spoilt || this.#logBytes > LOG_BYTES_MAX;
  }

  /**
   * The newest generation is not to be read again: it is damaged, or its log ends in records that
   * failed, which may be read from it but never happened.
   */
  get spoilt(): boolean {
    return this.#spoilt;
  }

  /**
   * Reads all there is; damage is reported, never thrown. Throws DiskError without a directory, and
   * when the disk will not read a file that nothing stands in for: that may pass, while starting
   * without it would forget configs, and take directories of known topics for strange ones.
   */
  async load(): Promise<CatalogueContent> {
    await this.#disk.makeDirectory(CATALOGUE_DIRECTORY);
    await this.#disk.syncDirectory('.');
    const names = await this.#disk.list(CATALOGUE_DIRECTORY);
    const snapshots = generations(names, 'snapshot');
    const logs = generations(names, 'log');
    this.#generation = Math.max(0, ...snapshots, ...logs);
    const records: unknown[] = [];
    const damage: CatalogueDamage[] = [];
    const whole = (generation: number): boolean =>
      generation === this.#generation || logs.includes(generation);
    const from = await this.#loadSnapshot(snapshots.reverse(), whole, records, damage);
    for (const generation of logs.filter((candidate) => candidate >= from)) {
      const path = this.#path(generation, 'log');
      const frames = await this.#readFile(path);
      if (frames.refused !== null) throw frames.refused;
      records.push(...frames.records);
      const torn = frames.atTail && generation === logs.at(-1) ? frames.bad.at(-1) : null;
      for (const stretch of frames.bad) {
        damage.push({ path, ...stretch, tornTail: stretch === torn });
      }
    }
    const damaged = damage.filter((item) => !item.tornTail).map((item) => item.path);
    this.#damaged = [...new Set(damaged)];
    this.#spoilt = damaged.length > 0;
    return { records, generation: this.#generation, damage };
  }

  /**
   * Begins the next generation with a snapshot of `records`. Throws DiskError; what was there before
   * then still stands.
   */
  async begin(records: readonly unknown[]): Promise<void> {
    if (this.#spoilt) await this.#beginOne(records);
    await this.#beginOne(records);
    this.#spoilt = false;
    await this.#setAside();
    await this.#removeOld();
  }

  async #beginOne(records: readonly unknown[]): Promise<void> {
    const generation = this.#generation + 1;
    const path = this.#path(generation, 'snapshot');
    const frames = [frame({ records: records.length }), ...records.map(frame)];
    await this.#writeFile(`${path}.tmp`, frames);
    await this.#disk.rename(`${path}.tmp`, path);
    const log = await this.#disk.open(this.#path(generation, 'log'), 'create');
    try {
      await this.#disk.syncDirectory(CATALOGUE_DIRECTORY);
    } catch (error) {
      await log.close().catch(() => {});
      throw error;
    }
    const before = this.#log;
    this.#log = log;
    this.#logBytes = 0;
    this.#generation = generation;
    await before?.close().catch(() => {});
  }

  /**
   * Adds records to the log, durable when it resolves. Throws DiskError; the log is then not added to again, and what
   * was refused is cut off, if the disk will do that: a process that dies now leaves it to no start. Whether it is gone
   * for good only the next generation tells.
   */
  async append(records: readonly unknown[]): Promise<void> {
    const log = this.#log;
    if (log === null) throw new Error('the catalogue has no log: begin() comes first');
    const frames = records.map(frame);
    try {
      await log.write(frames, this.#logBytes);
      await log.datasync();
    } catch (error) {
      this.#log = null;
      this.#spoilt = true;
      await log.truncate(this.#logBytes).catch(() => {});
      await log.close().catch(() => {});
      throw error;
    }
    for (const bytes of frames) this.#logBytes += bytes.length;
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    await log?.close();
  }

  /**
   * Reads the newest good snapshot into `records`; answers its generation, 0 for none. An old one whose log is gone
   * (`whole` says no), half removed, stands in for damaged ones only: what the disk will not read may come back.
   */
  async #loadSnapshot(
    newestFirst: readonly number[],
    whole: (generation: number) => boolean,
    records: unknown[],
    damage: CatalogueDamage[],
  ): Promise<number> {
    let refused: DiskError | null = null;
    for (const generation of newestFirst) {
      if (refused !== null && !whole(generation)) break;
      const path = this.#path(generation, 'snapshot');
      const frames = await this.#readFile(path);
      refused ??= frames.refused;
      const head = frames.records[0];
      const count = frames.records.length - 1;
      if (frames.bad.length === 0 && isSnapshotHead(head) && head.records === count) {
        for (let index = 1; index <= count; index += 1) records.push(frames.records[index]);
        return generation;
      }
      const position = frames.bad[0]?.position ?? frames.length;
      damage.push({ path, position, bytes: frames.length, tornTail: false });
    }
    if (refused !== null) throw refused;
    return 0;
  }

  /** Not before the next generation stands: until then the good part of a damaged file is all there is. */
  async #setAside(): Promise<void> {
    const lost = this.#damaged;
    this.#damaged = [];
    try {
      for (const path of lost) await this.#disk.rename(path, `${path}.damaged`);
      if (lost.length > 0) await this.#disk.syncDirectory(CATALOGUE_DIRECTORY);
    } catch (error) {
      // It stays where it is then: the next generations leave it behind either way.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  /** All but the newest two generations. */
  async #removeOld(): Promise<void> {
    try {
      for (const name of await this.#disk.list(CATALOGUE_DIRECTORY)) {
        const match = /^(\d{10})\.(?:log|snapshot)$/.exec(name);
        if (match !== null && Number(match[1]) < this.#generation - 1) {
          await this.#disk.remove(`${CATALOGUE_DIRECTORY}/${name}`);
        }
      }
    } catch (error) {
      // What stays is in nobody's way, and goes with the next generation.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  /** A file's frames; one that the disk will not read holds none, and one bad byte. */
  async #readFile(path: string): Promise<Frames & { readonly refused: DiskError | null }> {
    try {
      const file = await this.#disk.open(path, 'read');
      try {
        const bytes = Buffer.alloc(await file.size());
        const count = await file.read(bytes, 0);
        return { ...readFrames(bytes.subarray(0, count)), refused: null };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const bad = [{ position: 0, bytes: 1 }];
      return { records: [], length: 1, bad, atTail: false, refused: error };
    }
  }

  async #writeFile(path: string, parts: readonly Buffer[]): Promise<void> {
    await this.#disk.remove(path);
    const file = await this.#disk.open(path, 'create');
    try {
      await file.write(parts, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  #path(generation: number, kind: 'log' | 'snapshot'): string {
    return `${CATALOGUE_DIRECTORY}/${String(generation).padStart(10, '0')}.${kind}`;
  }
}

function isSnapshotHead(record: unknown): record is { records: number } {
  return typeof record === 'object' && record !== null && 'records' in record;
}

/** Generations of one kind of file, rising. */
function generations(names: readonly string[], kind: 'log' | 'snapshot'): number[] {
  const found: number[] = [];
  for (const name of names) {
    const match = /^(\d{10})\.(log|snapshot)$/.exec(name);
    if (match?.[2] === kind) found.push(Number(match[1]));
  }
  return found.sort((a, b) => a - b);
}
