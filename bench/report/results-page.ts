// bench/RESULTS.md: every table of the results that README.md shows, what held back where a goal is not reached, and
// what was thrown out or could not be measured.

import { type Also, alsoMeasured, BESIDE } from './also-measured.ts';
import { type Entry, entryText, meaningsOf } from './entries.ts';
import { isOurs } from './facts.ts';
import { peerSection, workOf } from './goal-tables.ts';
import { headOf, readingText } from './head.ts';
import { entriesOf } from './limits.ts';
import { table } from './markdown.ts';
import { systemOf } from './profile.ts';
import { DISK, disturbed, type Report } from './result.ts';
import { type Line, linesOf, linksTo, peersOf, type Shown } from './shown.ts';
import { suffixOf, titleOf } from './words.ts';

export const RESULTS = 'bench/RESULTS.md';

/** The whole document. */
export function resultsPage(shown: readonly Shown[]): string {
  const lines = linesOf(shown);
  const goals = new Set(lines.map(({ judged: { goal } }) => `${goal.row}\n${goal.figure}`));
  const also = alsoMeasured(shown, goals);
  const told = new Set([
    ...lines.map(({ judged }) => judged.goal.row),
    ...also.map(({ row }) => row),
  ]);
  const sections = [
    headOf(shown, RESULTS),
    readingText('[bench/README.md](README.md)'),
    ...peersOf(lines).map((peer) => peerSection(shown, peer)),
    alsoSection(also),
    onlyNamed(shown, told),
    reasons(shown, lines),
    losses(shown, lines, also),
  ];
  return `# Results

\`npm run bench -- readme\` writes this page and the tables of [README.md](../README.md); nobody edits it.

${sections.join('')}`;
}

function alsoSection(also: readonly Also[]): string {
  if (also.length === 0) return '';
  const head = ['work', 'figure', 'Tidemark', titleOf(BESIDE), 'ratio'];
  return `\n### Measured too, without a goal\n\n${table(
    head,
    also.map(({ cells }) => cells),
  )}`;
}

/** Rows of ours, or of systems of another kind, that are in no table: only named, with the report that has them. */
function onlyNamed(shown: readonly Shown[], told: ReadonlySet<string>): string {
  const seen = new Set(told);
  const named = shown.flatMap(({ report, file }) => {
    const rows = new Set(
      report.results.flatMap(({ system, row }) =>
        system === DISK || seen.has(row) ? [] : [row.replace(/^(slope, .*): .*$/, '$1')],
      ),
    );
    for (const row of rows) seen.add(row);
    return rows.size === 0
      ? []
      : [`${[...rows].join('; ')} ([report](${linksTo(file, RESULTS).page}))`];
  });
  return named.length === 0 ? '' : `\nMeasured too, not beside Kafka: ${named.join('; ')}.\n`;
}

/** What the limit is in each row whose goals are not reached: a list for each of our settings. */
function reasons(shown: readonly Shown[], lines: readonly Line[]): string {
  const rows = new Map<string, Line[]>();
  for (const line of lines.filter(({ judged }) => !judged.reached)) {
    const work = workOf(line);
    rows.set(work, [...(rows.get(work) ?? []), line]);
  }
  if (rows.size === 0) return '';
  const entries = [...rows].map(([work, ofWork]) => [work, entriesIn(ofWork)] as const);
  const meanings = meaningsOf(entries.flatMap(([, ofWork]) => ofWork));
  const items = entries.map(
    ([work, ofWork]) =>
      `- **${work}**\n${ofWork.map((entry) => `  - ${entryText(entry)}\n`).join('')}`,
  );
  return (
    '\n### What the limit is in the rows that are not reached\n\nWhat was counted of each row:\n\n' +
    `${meanings.map((text) => `- ${text}.\n`).join('')}\nThe rows:\n\n${items.join('')}` +
    profilesText(shown)
  );
}

/** Goals of one row may be of several results. */
function entriesIn(lines: readonly Line[]): Entry[] {
  const reports = [...new Set(lines.map(({ report }) => report))];
  return reports.flatMap((report) => {
    const goals = lines.filter((line) => line.report === report).map(({ judged }) => judged);
    return entriesOf(report, goals);
  });
}

/** Where profiles are; only of rows that have one. */
function profilesText(shown: readonly Shown[]): string {
  const named = shown.flatMap(({ report, file }) => {
    const rows = (report.profiles ?? [])
      .filter(({ functions, calls }) => functions.length > 0 || calls.length > 0)
      .map((one) => {
        const suffix = suffixOf(systemOf(one));
        return `${one.row}${suffix === '' ? '' : `, \`${suffix}\``}`;
      });
    if (rows.length === 0) return [];
    return [`[the report](${linksTo(file, RESULTS).page}) of ${rows.join('; ')}`];
  });
  return named.length === 0
    ? ''
    : `\nProfiles (functions and system calls) are in ${named.join(', and in ')}.\n`;
}

/** More rows than these are only counted. */
const NAMED_MAX = 6;

/** Of each result the systems' rows that are in a table: what was lost of others is lost to nobody who reads this. */
function inTables(lines: readonly Line[], also: readonly Also[]): Map<Report, Set<string>> {
  const found = new Map<Report, Set<string>>();
  const add = (report: Report, system: string, row: string): void => {
    found.set(report, (found.get(report) ?? new Set()).add(`${system}\n${row}`));
  };
  for (const { report, judged } of lines) {
    const { row, ours = 'tidemark', against = ours } = judged.goal;
    for (const system of [ours, against]) add(report, system, row);
  }
  for (const { report, row } of also) {
    for (const system of ['tidemark', BESIDE]) add(report, system, row);
  }
  return found;
}

function losses(shown: readonly Shown[], lines: readonly Line[], also: readonly Also[]): string {
  const reports = shown.map(({ report }) => report);
  const tables = inTables(lines, also);
  const isShown = (report: Report, { system, row }: { system: string; row: string }): boolean =>
    tables.get(report)?.has(`${system}\n${row}`) ?? false;
  const thrownOut = reports.flatMap((report) =>
    report.thrownOut.filter((one) => isShown(report, one)).map((one) => ({ report, ...one })),
  );
  const kept = reports.flatMap((report) => disturbed(report).filter((one) => isShown(report, one)));
  const limit = [...new Set(reports.map(({ foreignCoresMax }) => foreignCoresMax))].join(' or ');
  let text = '';
  if (thrownOut.length > 0) {
    const ours = thrownOut.filter(({ report, system }) => isOurs(report, system)).length;
    text +=
      `\n${thrownOut.length} measurements of these rows were thrown out and repeated, ${ours} of them ours, because ` +
      `others on the machine kept more than ${limit} cores busy.\n`;
  }
  if (kept.length > 0) {
    const named =
      kept.length > NAMED_MAX
        ? `in ${kept.length} rows, which the reports name`
        : kept.map(({ system, row, runs }) => `${titleOf(system)}: ${row} (${runs})`).join('; ');
    text += `\nKept though others had more than ${limit} cores busy in every try: ${named}.\n`;
  }
  const missing = reports.flatMap((report) => report.missing);
  if (missing.length > 0) {
    const named = missing.map(({ what, why }) => `${what} (${why.split('\n')[0]})`);
    text += `\nNot measured: ${named.join('; ')}.\n`;
  }
  return text;
}
