// Segments as the next start will see them: with what the journal of an unclean stop will write back. Reading only.

import { type Disk, type DiskFile, JOURNAL_DIRECTORY, parseJournal } from '../storage/index.ts';

/** A stretch that the journal holds for a segment. */
interface Patch {
  readonly position: number;
  readonly data: Buffer;
}

/** What the journal files of a data directory hold, by log and segment. */
export class JournalView {
  readonly #patches: ReadonlyMap<string, ReadonlyMap<number, readonly Patch[]>>;

  private constructor(patches: ReadonlyMap<string, ReadonlyMap<number, readonly Patch[]>>) {
    this.#patches = patches;
  }

  /** Reads the journal. Throws JournalVersionError for one of a newer version, DiskError when the disk refuses. */
  static async load(disk: Disk): Promise<JournalView> {
    const logs = new Map<string, Map<number, Patch[]>>();
    for (const name of await disk.list(JOURNAL_DIRECTORY)) {
      if (!name.endsWith('.journal')) continue;
      const path = `${JOURNAL_DIRECTORY}/${name}`;
      const file = await disk.open(path, 'read');
      try {
        const bytes = Buffer.allocUnsafe(await file.size());
        const count = await file.read(bytes, 0);
        for (const entry of parseJournal(bytes.subarray(0, count), path)) add(logs, entry);
      } finally {
        await file.close();
      }
    }
    return new JournalView(logs);
  }

  get isEmpty(): boolean {
    return this.#patches.size === 0;
  }

  /** Whether the journal holds batches of this log. */
  holds(topicId: string, name: string): boolean {
    return this.#patches.has(`${topicId} ${name}`);
  }

  /** The segment's file with the journal's bytes over it; null where the journal holds nothing for it. */
  over(topicId: string, name: string, baseOffset: number): ((file: DiskFile) => DiskFile) | null {
    const patches = this.#patches.get(`${topicId} ${name}`)?.get(baseOffset);
    return patches === undefined ? null : (file) => new PatchedFile(file, patches);
  }
}

type ParsedEntry = ReturnType<typeof parseJournal>[number];

/** Kind 2 voids all earlier entries of its log (src/storage/commit/journal.ts). */
function add(logs: Map<string, Map<number, Patch[]>>, entry: ParsedEntry): void {
  if (entry.kind === 2) {
    logs.delete(entry.key);
    return;
  }
  const segments = logs.get(entry.key) ?? new Map<number, Patch[]>();
  logs.set(entry.key, segments);
  const patches = segments.get(entry.segmentBase) ?? [];
  segments.set(entry.segmentBase, patches);
  patches.push({ position: entry.position, data: entry.data });
}

class PatchedFile implements DiskFile {
  readonly path: string;
  readonly descriptor = null;
  readonly #file: DiskFile;
  readonly #patches: readonly Patch[];

  constructor(file: DiskFile, patches: readonly Patch[]) {
    this.path = file.path;
    this.#file = file;
    this.#patches = patches;
  }

  async read(into: Buffer, position: number): Promise<number> {
    let count = await this.#file.read(into, position);
    into.fill(0, count);
    for (const { position: at, data } of this.#patches) {
      const from = Math.max(at, position);
      const to = Math.min(at + data.length, position + into.length);
      if (from >= to) continue;
      data.copy(into, from - position, from - at, to - at);
      count = Math.max(count, to - position);
    }
    return count;
  }

  async size(): Promise<number> {
    const ends = this.#patches.map(({ position, data }) => position + data.length);
    return Math.max(await this.#file.size(), ...ends);
  }

  write(): Promise<void> {
    return Promise.reject(new Error('a view is not written to'));
  }

  truncate(): Promise<void> {
    return Promise.reject(new Error('a view is not written to'));
  }

  datasync(): Promise<void> {
    return Promise.reject(new Error('a view is not written to'));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
