// Kafka's own DumpLogSegments over segment and index files, with everything it complains of.

import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runJava } from '../../../bench/peers/index.ts';

export interface DumpReport {
  /** Lines that a sound log does not give, and a failed run's own words. Empty when nothing is wrong. */
  readonly complaints: readonly string[];
  readonly batches: number;
  readonly records: number;
  readonly offsetIndexEntries: number;
  readonly timeIndexEntries: number;
  /** Names of the codecs met in batches, sorted. */
  readonly codecs: readonly string[];
}

const dumpClass = 'org.apache.kafka.tools.DumpLogSegments';

/** Everything the tool says of sound files. Any other line is a complaint. */
const soundLines: readonly RegExp[] = [
  /^Dumping /,
  /^Log starting offset: \d+$/,
  /^\| offset: \d+ /,
  /^offset: \d+ position: \d+$/,
  /^timestamp: \d+ offset: \d+$/,
  / is empty\.$/,
  / passed sanity check\.$/,
  // The tool compares each file's first record with -1 and says so for every segment but the first.
  /^Non-consecutive offsets in /,
  /^ {2}-1 is followed by \d+$/,
  /^$/,
];

/** The paths of a partition's segment and index files, in order of their names. */
export function segmentFiles(folder: string, ...endings: string[]): string[] {
  return readdirSync(folder)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
    .map((name) => join(folder, name));
}

/** Reads logs and both indexes record by record, checking each against the other. */
export async function dumpDeep(folders: readonly string[]): Promise<DumpReport> {
  const files = folders.flatMap((folder) => segmentFiles(folder, '.log', '.index', '.timeindex'));
  return dump(['--deep-iteration', '--files', files.join(',')]);
}

/** The check that Kafka makes of an index when it opens it. */
export async function dumpIndexSanity(folders: readonly string[]): Promise<DumpReport> {
  const files = folders.flatMap((folder) => segmentFiles(folder, '.index', '.timeindex'));
  return dump(['--index-sanity-check', '--files', files.join(',')]);
}

async function dump(args: readonly string[]): Promise<DumpReport> {
  const complaints: string[] = [];
  const codecs = new Set<string>();
  const counts = { batches: 0, records: 0, offsetIndexEntries: 0, timeIndexEntries: 0 };
  let rest = '';
  const line = (text: string) => {
    if (text.startsWith('baseOffset: ')) {
      counts.batches += 1;
      codecs.add(/compresscodec: (\w+)/.exec(text)?.[1] ?? '?');
      if (!text.includes('isvalid: true')) complaints.push(text);
      return;
    }
    if (text.startsWith('| ')) counts.records += 1;
    else if (text.startsWith('offset: ')) counts.offsetIndexEntries += 1;
    else if (text.startsWith('timestamp: ')) counts.timeIndexEntries += 1;
    if (!soundLines.some((sound) => sound.test(text))) complaints.push(text);
  };
  const onOutput = (piece: Buffer) => {
    const lines = (rest + piece.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
  };
  const { code, errors } = await runJava(dumpClass, args, { onOutput, accept: [0, 1] });
  line(rest);
  for (const text of errors.split('\n')) line(text);
  if (code !== 0) complaints.push(`DumpLogSegments ended with ${code}`);
  return { complaints, ...counts, codecs: [...codecs].sort() };
}

/** Ways to damage a partition's folder, each of which the tool must notice. */
export const damages: Readonly<Record<string, (folder: string) => void>> = {
  'a bit in a batch': (folder) => {
    const path = segmentFiles(folder, '.log')[0]!;
    flip(path, Math.floor(readFileSync(path).length / 2));
  },
  'a batch cut short': (folder) => {
    const path = segmentFiles(folder, '.log').at(-1)!;
    truncateSync(path, readFileSync(path).length - 10);
  },
  'an offset index entry that points elsewhere': (folder) => {
    flip(filled(folder, '.index'), 7);
  },
  'an offset index entry with another offset': (folder) => {
    flip(filled(folder, '.index'), 3);
  },
  'a time index entry with another timestamp': (folder) => {
    flip(filled(folder, '.timeindex'), 6);
  },
};

/** A copy of a partition's folder with one damage done to it. */
export function damagedCopy(folder: string, copy: string, damage: (folder: string) => void): void {
  cpSync(folder, copy, { recursive: true });
  damage(copy);
}

function filled(folder: string, ending: string): string {
  const found = segmentFiles(folder, ending).find((path) => readFileSync(path).length > 0);
  if (found === undefined) throw new Error(`no ${ending} with entries in ${folder}`);
  return found;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
  writeFileSync(path, bytes);
}
