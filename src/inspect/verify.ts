// A whole data directory, ours or Apache Kafka's: every partition, and what stands beside them. Reading only; a
// directory that a broker is writing to may be read too.

import { codecNames, prepareCodec } from '../record/index.ts';
import {
  CLEAN_FILE,
  type Disk,
  DiskError,
  JOURNAL_DIRECTORY,
  loadMarks,
  MARKS_FILE,
  type Mark,
  QUARANTINE_DIRECTORY,
  readCleanMarker,
} from '../storage/index.ts';
import {
  type CheckPartitionOptions,
  checkPartition,
  type PartitionReport,
  type TopicFacts,
} from './check-partition.ts';
import { type Finding, finding, isFault, type Severity, severities } from './finding.ts';
import { JournalView } from './journal-view.ts';
import type { ProducerFacts } from './kafka-formats.ts';

/** The log of Kafka's controller, in a directory that was Kafka's: no topic of ours. */
const CONTROLLER_TOPIC = '__cluster_metadata';

/** What the catalogue holds, read by whoever knows its format. */
export interface CatalogueFacts {
  readonly topics: readonly TopicFacts[];
  /** Parts of its files that cannot be read. A torn tail is the write that a crash cut off. */
  readonly damage: readonly {
    readonly path: string;
    readonly position: number;
    readonly bytes: number;
    readonly tornTail: boolean;
  }[];
}

export interface VerifyProgress {
  /** The partition being read. */
  readonly path: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface VerifyOptions {
  /** Its root is the data directory. */
  readonly disk: Disk;
  /** Null for a directory without one, as Apache Kafka's. */
  readonly catalogue: CatalogueFacts | null;
  /** A broker is running on it: its ends move while we read. */
  readonly live: boolean;
  /** Decode every record too. */
  readonly deep: boolean;
  /** Partitions to read, by directory name; default all. */
  readonly only?: (directory: string) => boolean;
  readonly readSnapshot?: (bytes: Buffer) => readonly ProducerFacts[];
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly onFinding?: (item: Finding) => void;
  readonly signal?: AbortSignal;
}

/** Whose data directory it is. */
export type Flavour = 'tidemark' | 'kafka' | 'unknown';

export interface VerifyReport {
  readonly flavour: Flavour;
  readonly partitions: readonly PartitionReport[];
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Severity, number>>;
  /** No damage and no loss. */
  readonly ok: boolean;
  readonly bytes: number;
  readonly records: number;
  readonly lostOffsets: number;
  /** A journal waits to be replayed: the logs were read as the replay will leave them. */
  readonly journalPending: boolean;
}

const PARTITION = /^(.{1,249})-(\d{1,10})$/;

/** The topic and index in a partition directory's name; null for any other name. */
export function partitionOf(directory: string): { topic: string; index: number } | null {
  const found = PARTITION.exec(directory);
  if (found?.[1] === undefined) return null;
  return { topic: found[1], index: Number(found[2]) };
}

/** Reads everything. Throws DiskError only when the directory itself cannot be read. */
export function verifyDirectory(options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(options).run();
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #findings: Finding[] = [];
  readonly #partitions: PartitionReport[] = [];
  #bytesDone = 0;
  #bytesTotal = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const { disk, deep, only = () => true } = this.#options;
    // A codec that is not installed only means that its batches are not looked into.
    if (deep) for (const codec of codecNames) await prepareCodec(codec).catch(() => {});
    const names = await disk.list('.');
    const flavour = flavourOf(names);
    // Before any log: what is committed afterwards is no business of this run.
    const stop = await this.#stop(flavour);
    const marks = await this.#marks(flavour);
    const journal = await JournalView.load(disk);
    this.#catalogue();
    const directories: string[] = [];
    for (const name of names) {
      if (partitionOf(name) === null) this.#otherName(name);
      else if (only(name) && (await disk.stat(name))?.kind === 'directory') directories.push(name);
    }
    for (const directory of directories) this.#bytesTotal += await logBytes(disk, directory);
    for (const directory of directories) {
      if (this.#options.signal?.aborted === true) break;
      await this.#partition(directory, { mark: marks.get(directory) ?? null, journal, stop });
    }
    this.#missing(directories, marks);
    return this.#report(flavour, !journal.isEmpty);
  }

  async #stop(flavour: Flavour): Promise<CheckPartitionOptions['stop']> {
    const { disk, live } = this.#options;
    if (flavour !== 'tidemark') return 'unknown';
    if (await readCleanMarker(disk)) return 'clean';
    if (!live) {
      const what = 'the last stop was not clean; a start puts the ends of the logs in order';
      this.#add(finding({ severity: 'info', code: 'unclean_stop', path: '.', what }));
    }
    return 'unclean';
  }

  async #marks(flavour: Flavour): Promise<ReadonlyMap<string, Mark>> {
    const { marks, lost } = await loadMarks(this.#options.disk);
    if (flavour === 'tidemark' && lost && !this.#options.live) {
      const what =
        'the durable marks are missing or partly unreadable: the logs count as far as they are good';
      const code = 'metadata_unreadable';
      this.#add(finding({ severity: 'warning', code, path: MARKS_FILE, what }));
    }
    return marks;
  }

  #catalogue(): void {
    for (const { path, position, bytes, tornTail } of this.#options.catalogue?.damage ?? []) {
      const what = tornTail
        ? 'the catalogue ends in a write that a crash cut off; nothing acknowledged is missing'
        : `${bytes} bytes of the catalogue cannot be read: topics or configs may be missing`;
      const severity = tornTail ? 'info' : 'damage';
      // What is left of it goes on; the file is kept, and the next start writes a new one.
      const repair = tornTail ? null : ({ kind: 'set-aside-file', path } as const);
      const fields = { severity, code: 'catalogue_damaged', path, position, bytes } as const;
      this.#add(finding({ ...fields, what, repair }));
    }
  }

  async #partition(
    directory: string,
    known: Pick<CheckPartitionOptions, 'mark' | 'journal' | 'stop'>,
  ): Promise<void> {
    const { disk, catalogue, live, deep, readSnapshot, onProgress } = this.#options;
    const { topic: name, index } = partitionOf(directory) ?? { topic: '', index: 0 };
    const topic = catalogue?.topics.find((one) => one.name === name) ?? null;
    const isTopic = name !== CONTROLLER_TOPIC;
    if (isTopic && catalogue !== null && (topic === null || index >= topic.partitionCount)) {
      const what = 'the catalogue knows no such partition; the next start takes it back if it can';
      this.#add(finding({ severity: 'warning', code: 'partition_unknown', path: directory, what }));
    }
    const progress = (bytes: number): void => {
      this.#bytesDone += bytes;
      const total = Math.max(this.#bytesTotal, this.#bytesDone);
      onProgress?.({ path: directory, bytesDone: this.#bytesDone, bytesTotal: total });
    };
    progress(0);
    try {
      const report = await checkPartition({
        disk,
        directory,
        topic,
        ...known,
        live,
        deep,
        ...(readSnapshot === undefined ? {} : { readSnapshot }),
        onProgress: progress,
        onFinding: (item) => this.#add(item),
      });
      this.#partitions.push(report);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const fields = { severity: 'loss', code: 'unreadable_file', path: directory } as const;
      this.#add(finding({ ...fields, what: `the disk refuses: ${error.message}` }));
    }
  }

  /** Partitions that should be there. */
  #missing(directories: readonly string[], marks: ReadonlyMap<string, Mark>): void {
    const { catalogue, live, only = () => true } = this.#options;
    const there = new Set(directories);
    for (const { name, partitionCount } of catalogue?.topics ?? []) {
      for (let index = 0; index < partitionCount; index++) {
        const path = `${name}-${index}`;
        if (there.has(path) || !only(path) || live) continue;
        const mark = marks.get(path);
        const held = mark !== undefined && mark.mark > mark.startOffset;
        const offsets = held ? { first: mark.startOffset, last: mark.mark - 1 } : null;
        const severity = held ? 'loss' : 'warning';
        const what = held
          ? `the directory is gone, and with it offsets ${mark.startOffset} to ${mark.mark - 1}`
          : 'the directory is missing; the next start makes it';
        this.#add(finding({ severity, code: 'partition_missing', path, offsets, what }));
      }
    }
  }

  #otherName(name: string): void {
    if (known.has(name) || name.startsWith('.')) return;
    if (name.endsWith('-delete')) {
      const what = 'what is left of a deleted topic; a start removes it';
      this.#add(finding({ severity: 'info', code: 'stale_file', path: name, what }));
      return;
    }
    if (name.endsWith('.tmp')) {
      const what = 'a file that an interrupted step left over';
      const repair = { kind: 'remove-file', path: name } as const;
      this.#add(finding({ severity: 'info', code: 'stale_file', path: name, what, repair }));
      return;
    }
    const stray = name.endsWith('-stray');
    const what = stray ? 'the log of another topic id, moved out of the way' : 'nothing of ours';
    this.#add(finding({ severity: 'info', code: 'unknown_file', path: name, what }));
  }

  #add(item: Finding): void {
    this.#findings.push(item);
    this.#options.onFinding?.(item);
  }

  #report(flavour: Flavour, journalPending: boolean): VerifyReport {
    const counts = Object.fromEntries(
      severities.map((severity) => [
        severity,
        this.#findings.filter((item) => item.severity === severity).length,
      ]),
    ) as Record<Severity, number>;
    const sum = (pick: (one: PartitionReport) => number): number =>
      this.#partitions.reduce((total, one) => total + pick(one), 0);
    return {
      flavour,
      partitions: this.#partitions,
      findings: this.#findings,
      counts,
      ok: !this.#findings.some(isFault),
      bytes: sum((one) => one.bytes),
      records: sum((one) => one.records),
      lostOffsets: sum((one) => one.lostOffsets),
      journalPending,
    };
  }
}

/** Names at the top of our data directory and of Apache Kafka's. */
const known = new Set<string>([
  MARKS_FILE,
  JOURNAL_DIRECTORY,
  QUARANTINE_DIRECTORY,
  'catalogue',
  'lock',
  CLEAN_FILE,
  'meta.properties',
  'bootstrap.checkpoint',
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
  '.kafka_cleanshutdown',
]);

function flavourOf(names: readonly string[]): Flavour {
  const ours = ['catalogue', MARKS_FILE, JOURNAL_DIRECTORY];
  if (ours.some((name) => names.includes(name))) return 'tidemark';
  return names.includes('meta.properties') ? 'kafka' : 'unknown';
}

async function logBytes(disk: Disk, directory: string): Promise<number> {
  let total = 0;
  for (const name of await disk.list(directory)) {
    if (name.endsWith('.log')) total += (await disk.stat(`${directory}/${name}`))?.bytes ?? 0;
  }
  return total;
}
