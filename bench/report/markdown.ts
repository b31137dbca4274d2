// Tables in Markdown, and figures of a result as their cells.

import type { Report } from './result.ts';
import { numberText } from './words.ts';

const escaped = (text: string): string => text.replaceAll('|', '\\|');

/** Head, and lines of as many cells. */
export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [head, head.map(() => '---'), ...lines];
  return rows.map((cells) => `| ${cells.map(escaped).join(' | ')} |\n`).join('');
}

/** Median, with smallest and largest where there are several runs. */
export function spreadText(report: Report, system: string, row: string, figure: string): string {
  const result = report.results.find((one) => one.system === system && one.row === row);
  const spread = result?.spread[figure];
  if (result === undefined || spread === undefined) return '–';
  const middle = numberText(spread.median);
  if (result.runs.length === 1) return middle;
  return `${middle} (${numberText(spread.min)}–${numberText(spread.max)})`;
}
