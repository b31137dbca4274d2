// What torture found, as data and in words.

import { formatByteSize } from '../../src/base/byte-size.ts';
import type { FileSystem, SyncTimes } from './probe.ts';

export type RoundKind = 'kill' | 'kill-at-start' | 'slow' | 'full' | 'file-limit';

/** One run of the writer and the check after it. */
export interface Round {
  readonly kind: RoundKind;
  readonly acknowledged: number;
  readonly records: number;
  readonly unacknowledged: number;
  readonly problems: readonly string[];
}

export interface Throughput {
  readonly seconds: number;
  readonly records: number;
  readonly bytes: number;
  readonly syncs: number;
}

export interface TortureReport {
  /** Nothing acknowledged is missing, and nothing is where it does not belong. */
  readonly ok: boolean;
  readonly directory: string;
  readonly seed: number;
  readonly fileSystem: FileSystem;
  readonly syncs: SyncTimes;
  readonly throughput: Throughput;
  readonly rounds: readonly Round[];
  readonly warnings: readonly string[];
  /** What such a run cannot show. */
  readonly notShown: readonly string[];
  /** Where the data of a failed round is kept. */
  readonly kept: string | null;
}

export const notShown: readonly string[] = [
  'A killed process leaves its written data in the system’s page cache. Only a power cut shows whether syncs reach ' +
    'the medium: see --arm and --check.',
  'The full disk was a limit of our own and one of the kernel on the size of files; the device itself was not filled.',
];

/** Warnings about a file system and its syncs. */
export function warningsOf(fileSystem: FileSystem, syncs: SyncTimes): string[] {
  const warnings: string[] = [];
  const { type, device, inMemory, network } = fileSystem;
  if (inMemory) {
    warnings.push(`${type} keeps data in memory: nothing here outlives a power cut or a restart`);
  }
  if (network) {
    warnings.push(`${type} is a network file system: whether syncs hold is up to its server`);
  }
  if (syncs.tooFast) {
    warnings.push(
      `half of the syncs took at most ${syncs.p50Us} µs: no device writes that fast. ` +
        `Something below (${device ?? type}) ` +
        'answers before data is on the medium; after a power cut acknowledged records may be gone',
    );
  }
  if (/eatmydata/.test(process.env['LD_PRELOAD'] ?? '')) {
    warnings.push('libeatmydata is loaded: it turns syncs into nothing');
  }
  return warnings;
}

const names: Readonly<Record<RoundKind, string>> = {
  kill: 'killed while writing',
  'kill-at-start': 'killed while starting',
  slow: 'killed on a slow disk',
  full: 'disk full, freed, went on',
  'file-limit': 'writes refused by the kernel',
};

/** The report in words. */
export function textOf(report: TortureReport): string {
  const { directory, fileSystem, syncs, throughput, rounds, warnings, ok, seed } = report;
  const { type, device } = fileSystem;
  const lines = [`${directory}: ${type}${device === null ? '' : ` on ${device}`}`];
  const ms = (us: number): string => (us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`);
  const times = `p50 ${ms(syncs.p50Us)}, p99 ${ms(syncs.p99Us)}, max ${ms(syncs.maxUs)}`;
  lines.push(`  sync of 4 KiB      ${times} (${syncs.count} syncs)`);
  lines.push(`  acknowledged       ${throughputText(throughput)}`);
  for (const kind of Object.keys(names) as RoundKind[]) {
    const mine = rounds.filter((round) => round.kind === kind);
    if (mine.length > 0) lines.push(`  ${names[kind].padEnd(28)} ${roundsText(mine)}`);
  }
  for (const warning of warnings) lines.push(`  warning: ${warning}`);
  lines.push(
    ok ? 'nothing acknowledged is missing' : 'ACKNOWLEDGED RECORDS ARE NOT AS THEY SHOULD BE',
  );
  if (report.kept !== null) lines.push(`  the data is kept in ${report.kept}; seed ${seed}`);
  lines.push('What this run cannot show:');
  for (const sentence of report.notShown) lines.push(`  - ${sentence}`);
  return `${lines.join('\n')}\n`;
}

function throughputText({ seconds, records, bytes, syncs }: Throughput): string {
  const per = (count: number): number => Math.round(count / Math.max(seconds, 0.001));
  const rate = `${formatByteSize(per(bytes))}/s, ${per(records).toLocaleString('en-US')} records/s`;
  return `${rate}, ${per(syncs)} syncs/s`;
}

function roundsText(rounds: readonly Round[]): string {
  const acknowledged = rounds.reduce((sum, round) => sum + round.acknowledged, 0);
  const problems = rounds.flatMap((round) => round.problems);
  const rest = problems.length === 0 ? 'all there, in order, once' : problems.join('; ');
  const count = acknowledged.toLocaleString('en-US');
  return `${rounds.length}×  ${count} records acknowledged: ${rest}`;
}
