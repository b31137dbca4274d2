// A job in words: what it reads and writes, how far it is, and how it goes on.

import { type JobRecord, offsetsIn } from '../../../tools/replay/index.ts';
import { formatByteSize } from '../../base/byte-size.ts';
import { describeOffsetSpec, formatTime } from '../../client/index.ts';
import { renderTable } from '../table.ts';

/** Topics, or the file that was imported. */
export function sourceText({ tool, file = '', source }: JobRecord): string {
  if (tool === 'import') return file;
  return source.topics.join(',');
}

/** What it writes to. */
export function targetText({ target }: JobRecord): string {
  switch (target.kind) {
    case 'topic':
      return target.topic;
    case 'file':
      return target.path;
    case 'http':
      return target.url;
    case 'stdout':
      return 'standard output';
    case 'origin':
      return target.topic ?? 'where they came from';
    case 'nowhere':
      return 'discarded';
  }
}

/** Records of all its runs: those that a run found there were written by the one before. */
export function writtenBy({ counts, confirmedSince = 0 }: JobRecord): number {
  return counts.written + counts.skipped + confirmedSince;
}

/** What to type to go on with a job. */
export function resumption({ id, tool, file = '', target }: JobRecord): string {
  if (tool === 'export') return `"tidemark archive export --resume --to ${file}"`;
  if (tool === 'import') return `the same "tidemark archive import ${file} …" and --resume`;
  const command = target.kind === 'origin' ? 'dlq redrive' : 'replay';
  return `"tidemark ${command} --resume ${id}"`;
}

/** All that is known of it, for people. */
export function jobText(job: JobRecord): string {
  const { id, state, who, startedMs, updatedMs, counts, stretches, positions } = job;
  const lines = [
    [`job ${id}`, job.tool === undefined ? state : `${job.tool}, ${state}`],
    ['by', `${who}, begun ${formatTime(startedMs)}, heard of ${formatTime(updatedMs)}`],
    ['from', rangeText(job)],
    ['to', `${targetText(job)}${job.asIs === true ? ', as it is' : ''}`],
    ['filter', job.filter],
    ['module', job.module],
    ['letters', job.only?.join(', ') ?? null],
    ['pace', paceText(job)],
    ['written', `${writtenBy(job)}, ${formatByteSize(counts.bytes)}${countsText(job)}`],
    ['error', job.error],
    ['go on', state === 'running' || state === 'done' ? null : goOn(job)],
  ].flatMap(([name, text]) => (text ? [`${String(name).padEnd(9)} ${text}\n`] : []));
  const rows = stretches.map(({ topic, partition, from, to, note }) => {
    const place = `${topic}/${partition}`;
    const at = positions[place] ?? (job.tool !== undefined && state === 'done' ? to : from);
    return [place, ...[from, to, at, to - at].map(String), note];
  });
  const header = ['PLACE', 'FROM', 'BEFORE', 'AT', 'LEFT', 'RANGE'];
  const table = rows.length === 0 ? '' : `\n${renderTable(header, rows, { right: [1, 2, 3, 4] })}`;
  return lines.join('') + table;
}

function rangeText(job: JobRecord): string {
  const { from, to, group } = job.source;
  if (job.tool === 'import') return sourceText(job);
  const whose = group === null ? '' : ` of group ${group}`;
  return `${sourceText(job)}, ${describeOffsetSpec(from)}..${describeOffsetSpec(to)}${whose}`;
}

function paceText({ pace }: JobRecord): string | null {
  const { recordsPerSecond, bytesPerSecond, speed } = pace;
  const limits = [
    recordsPerSecond === null ? '' : `${recordsPerSecond} records/s`,
    bytesPerSecond === null ? '' : `${formatByteSize(bytesPerSecond)}/s`,
    speed === null ? '' : `${speed}x the records' own`,
  ].filter((one) => one !== '');
  return limits.length === 0 ? null : limits.join(', ');
}

function countsText({ tool, counts, stretches }: JobRecord): string {
  if (tool !== undefined) return '';
  const { read, selected, skipped } = counts;
  const again = skipped === 0 ? '' : `, ${skipped} found there again after interruptions`;
  return `; ${read} records read of ${offsetsIn(stretches)} offsets, ${selected} selected${again}`;
}

function goOn(job: JobRecord): string {
  return job.state === 'paused' ? `"tidemark replay resume ${job.id}"` : resumption(job);
}
