// `npm run bench -- readme FILE`: the tables of README.md, made from a result, between its measurement markers.

import { type Judged, judge } from './goals.ts';
import { whyMissed } from './limits.ts';
import type { Report } from './result.ts';
import { goalText, numberText, ratioText, titleOf, wordsOf } from './words.ts';

const BEGIN = '<!-- measurements:begin -->';
const END = '<!-- measurements:end -->';

/** The text with what stands between the markers exchanged. Throws where they are missing. */
export function replaceMeasurements(readme: string, section: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${section}${readme.slice(end)}`;
}

const escaped = (text: string): string => text.replaceAll('|', '\\|');

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [head, head.map(() => '---'), ...lines];
  return rows.map((cells) => `| ${cells.map(escaped).join(' | ')} |\n`).join('');
}

/** Median, with smallest and largest where there are several runs. */
function spreadText(report: Report, system: string, row: string, figure: string): string {
  const result = report.results.find((one) => one.system === system && one.row === row);
  const spread = result?.spread[figure];
  if (result === undefined || spread === undefined) return '–';
  const middle = numberText(spread.median);
  if (result.runs.length === 1) return middle;
  return `${middle} (${numberText(spread.min)}–${numberText(spread.max)})`;
}

function goalLine(report: Report, { goal, ratio, reached }: Judged): string[] {
  const { row, figure, against } = goal;
  const ours = goal.ours ?? 'tidemark';
  return [
    ours === 'tidemark-os' ? `${row}, \`--flush os\`` : row,
    wordsOf(figure),
    spreadText(report, ours, row, figure),
    against === undefined ? '' : spreadText(report, against, row, figure),
    against === undefined ? '' : ratioText(ratio),
    goalText(goal),
    reached ? 'reached' : '**not reached**',
  ];
}

function against(judged: readonly Judged[]): string[] {
  return [...new Set(judged.map(({ goal }) => goal.against ?? ''))];
}

function head(report: Report, file: string): string {
  const { machine, quick, date, interrupted } = report;
  const named = `[${file}](${file})`;
  const whole = interrupted === true ? ', ended before its last round' : '';
  const first = quick
    ? `One very short run (\`${report.command}\`, ${named}): it shows that the rows work, not how fast anything is.`
    : `Run on ${date.slice(0, 10)} with \`${report.command}\`${whole} (${named}).`;
  return `${first}
Machine: ${machine['processor']}, ${machine['memory']}, ${machine['system']}; Node ${machine['node']},
${machine['java']},
librdkafka ${machine['librdkafka']}; client and broker share the processor. Tidemark syncs before it acknowledges
unless \`--flush os\` is said; Apache Kafka ${machine['kafka']} does not by default. Medians (smallest–largest) of
interleaved runs with the same client for all; [bench/README.md](bench/README.md) says how each row is measured,
the HTML report beside the result shows all of it.
`;
}

/** What was busy in the rows whose goals are not reached, a line for each row. */
function reasons(report: Report, judged: readonly Judged[]): string {
  const lines = new Map<string, string>();
  for (const one of judged.filter(({ reached }) => !reached)) {
    const { row, ours } = one.goal;
    const why = whyMissed(report, one);
    const named = ours === undefined ? row : `${row}, \`--flush os\``;
    // Of a row's goals the one of a rate says most.
    if (why.length > (lines.get(named)?.length ?? 0)) lines.set(named, why);
  }
  if (lines.size === 0) return '';
  const items = [...lines].map(([row, why]) => `- ${row}: ${why}.\n`).join('');
  const profiled = report.profiles === undefined ? '' : ' The HTML report has the profile of each.';
  return `\nWhat was busy in the rows that are not reached:${profiled}\n\n${items}`;
}

function losses(report: Report): string {
  let text = '';
  if (report.thrownOut.length > 0) {
    text +=
      `\n${report.thrownOut.length} measurements were thrown out and repeated, because other processes ` +
      `kept more than ${report.foreignCoresMax} cores busy.\n`;
  }
  if (report.missing.length > 0) {
    const named = report.missing.map(({ what, why }) => `${what} (${why.split('\n')[0]})`);
    text += `\nNot measured: ${named.join('; ')}.\n`;
  }
  return text;
}

/** A result, and its file as the README links to it. */
export interface Shown {
  readonly report: Report;
  readonly file: string;
}

/** The section that goes between the markers: runs of different suites, one after another. */
export function measurementsSection(shown: readonly Shown[]): string {
  return `## Measured\n\n${shown.map(runSection).join('')}`;
}

function runSection({ report, file }: Shown): string {
  const judged = judge(report);
  let text = head(report, file);
  for (const peer of against(judged)) {
    const title = peer === '' ? 'On its own' : `Beside ${titleOf(peer)}`;
    const lines = judged.filter(({ goal }) => (goal.against ?? '') === peer);
    const columns = ['work', 'figure', 'Tidemark', peer === '' ? '' : titleOf(peer), 'ratio'];
    text += `\n### ${title}\n\n`;
    text += table(
      [...columns, 'goal', ''],
      lines.map((one) => goalLine(report, one)),
    );
  }
  return `${text}${reasons(report, judged)}${losses(report)}\n`;
}
