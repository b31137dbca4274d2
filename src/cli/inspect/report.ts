// The words and the JSON of `tidemark verify`.

import { formatByteSize } from '../../base/byte-size.ts';
import {
  describeStep,
  type Finding,
  type Severity,
  severities,
  type VerifyReport,
} from '../../inspect/index.ts';
import { type CliIo, paint, type Style } from '../io.ts';
import type { DirectoryResult } from './verify-directory.ts';

const colours: Readonly<Record<Severity, Style>> = {
  info: 'dim',
  warning: 'yellow',
  damage: 'red',
  loss: 'red',
};

/** Prints what was found and done. */
export async function printDirectory(
  io: CliIo,
  result: DirectoryResult,
  options: { readonly json: boolean; readonly repairing: boolean },
): Promise<void> {
  if (options.json) await io.data(`${JSON.stringify(jsonOf(result))}\n`);
  else await io.data(textOf(result, options.repairing));
}

function jsonOf({ directory, live, report, steps, after }: DirectoryResult): object {
  const { ok, flavour, bytes, records, lostOffsets, counts, partitions, findings } = report;
  return {
    ok: (after ?? report).ok,
    directory,
    flavour,
    live,
    bytes,
    records,
    lostOffsets,
    counts,
    partitions,
    findings,
    repair: {
      done: after !== null,
      steps: steps.map((step) => ({ ...step, description: describeStep(step) })),
      after: after === null ? null : { counts: after.counts, findings: after.findings },
    },
    okBefore: ok,
  };
}

function textOf(
  { directory, live, report, steps, after }: DirectoryResult,
  repairing: boolean,
): string {
  const lines = [heading(directory, live, report)];
  lines.push(...linesOf(report.findings));
  lines.push(summary(report));
  if (steps.length > 0 && after === null && !live) {
    lines.push('', 'with --repair, verify would:');
    for (const step of steps) lines.push(`  ${describeStep(step)}`);
  }
  if (after !== null) {
    lines.push('', 'repaired:');
    for (const step of steps) lines.push(`  ${describeStep(step)}`);
    lines.push('', `after the repair: ${summary(after)}`);
    lines.push(...linesOf(after.findings));
    if (after.lostOffsets > 0 || report.lostOffsets > 0) {
      lines.push('what was lost stays lost; the damaged bytes are in quarantine/');
    }
  } else if (repairing) lines.push('there is nothing to repair');
  return `${lines.join('\n')}\n`;
}

const owners = { tidemark: 'data', kafka: "Apache Kafka's data", unknown: 'data' } as const;

function heading(directory: string, live: boolean, report: VerifyReport): string {
  const { partitions, bytes, records, flavour } = report;
  const segments = partitions.reduce((sum, one) => sum + one.segments, 0);
  const counts = `${many(partitions.length, 'partition')}, ${many(segments, 'segment')}, ${many(records, 'record')}`;
  const beside = live ? ', read beside a running broker' : '';
  return `${directory}: ${owners[flavour]}, ${counts}, ${formatByteSize(bytes)}${beside}`;
}

function bySeverity(findings: readonly Finding[]): Finding[] {
  const rank = (item: Finding): number => severities.indexOf(item.severity);
  return [...findings].sort((a, b) => rank(b) - rank(a));
}

/** So many findings of one kind are named; the others are only counted. `--json` has all. */
const NAMED = 3;

/** The findings, the worst first; of those that only inform and say the same, the first few and a number. */
export function linesOf(findings: readonly Finding[]): string[] {
  const alike = new Map<string, number>();
  const lines: string[] = [];
  for (const item of bySeverity(findings)) {
    const seen = (alike.get(item.what) ?? 0) + 1;
    if (item.severity === 'info') alike.set(item.what, seen);
    if (item.severity !== 'info' || seen <= NAMED) lines.push(lineOf(item));
  }
  for (const [what, count] of alike) {
    if (count <= NAMED) continue;
    const kind = paint(colours.info, 'info'.padEnd(7));
    lines.push(`  ${kind}  … and ${(count - NAMED).toLocaleString('en-US')} more: ${what}`);
  }
  return lines;
}

/** One finding as a line. */
export function lineOf({ severity, path, position, what }: Finding): string {
  const where = position === null ? path : `${path} at byte ${position}`;
  return `  ${paint(colours[severity], severity.padEnd(7))}  ${where}: ${what}`;
}

function summary({ counts, ok, lostOffsets }: VerifyReport): string {
  if (ok) {
    const rest = counts.warning > 0 ? ` (${many(counts.warning, 'warning')})` : '';
    return paint('green', `everything is whole${rest}`);
  }
  const lost = lostOffsets > 0 ? `; ${many(lostOffsets, 'offset')} lost` : '';
  const { loss, damage, warning } = counts;
  const words = `${many(loss, 'loss', 'losses')}, ${damage} damaged, ${many(warning, 'warning')}`;
  return paint('red', words + lost);
}

/** "1 record", "2,000 records". */
export function many(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`;
}
