// Files of committed offsets: lines as `group reset --export` and Kafka's tool write them.

import { readFileSync } from 'node:fs';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';

/** A line of such a file. */
export interface FiledOffset {
  /** Null where the file is not of several groups. */
  readonly group: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a file holds. */
export interface OffsetsFile {
  readonly kind: 'file';
  readonly path: string;
  readonly offsets: readonly FiledOffset[];
}

/** `topic,partition,offset`, or with the group before it; fields may be quoted. */
const LINE = /^(?:(?:"((?:[^"]|"")+)"|([^",]+)),)?"?([\w.-]+)"?,"?(\d+)"?,"?(\d+)"?$/;

/** Throws CliError `notFound`, or a usage error for a line that is none. */
export function readOffsetsFile(path: string): OffsetsFile {
  const offsets = readLines(path).flatMap((line, index): FiledOffset[] => {
    if (line.trim() === '') return [];
    const match = LINE.exec(line.trim());
    if (match === null) throw usageError(`${path} line ${index + 1}: write topic,partition,offset`);
    const [, quoted, plain, topic = '', partition, offset] = match;
    const group = quoted?.replaceAll('""', '"') ?? plain ?? null;
    return [{ group, topic, partition: Number(partition), offset: Number(offset) }];
  });
  return { kind: 'file', path, offsets };
}

/** The groups that a file names, each once. Throws a usage error when there is no group in a line, or no line. */
export function groupsOfFile({ path, offsets }: OffsetsFile): string[] {
  const groups = new Set<string>();
  for (const { group } of offsets) {
    if (group !== null) groups.add(group);
    else throw usageError(`${path} does not say of which groups it is`, 'name the groups');
  }
  if (groups.size === 0) throw usageError(`${path} has no offsets`);
  return [...groups].sort();
}

/** What a file has for a group. Throws CliError `notFound` when that is nothing. */
export function filedFor({ path, offsets }: OffsetsFile, group: string): FiledOffset[] {
  const own = offsets.filter((one) => (one.group ?? group) === group);
  if (own.length > 0) return own;
  const next = '--all-groups means those that the file names';
  throw new CliError(ExitCode.notFound, `${path} has no offsets of group '${group}'`, next);
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (cause) {
    const message = `--from-file: ${path} cannot be read`;
    const next = '"tidemark group reset ID --all-topics --to-current --export" writes one';
    throw new CliError(ExitCode.notFound, message, next, { cause });
  }
}
