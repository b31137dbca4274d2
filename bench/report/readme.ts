// `npm run bench -- readme FILE…`: the tables of README.md, made from results, between its measurement markers.

import { type Judged, judge, medianOf } from './goals.ts';
import { whyMissed } from './limits.ts';
import { disturbed, type Report } from './result.ts';
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

/** A result, and its file as the README links to it. */
export interface Shown {
  readonly report: Report;
  readonly file: string;
}

/** A goal with the run that says how far it is reached. */
interface Line {
  readonly report: Report;
  readonly judged: Judged;
}

/**
 * The section that goes between the markers: one table for each system ours stands beside, of all runs together. What
 * two runs have is shown from the one that is named first.
 */
export function measurementsSection(shown: readonly Shown[]): string {
  const lines = linesOf(shown);
  let text = `## Measured\n\n${head(shown)}`;
  for (const peer of new Set(lines.map(({ judged }) => judged.goal.against ?? ''))) {
    text += peerSection(
      shown,
      peer,
      lines.filter(({ judged }) => (judged.goal.against ?? '') === peer),
    );
  }
  return `${text}${alsoMeasured(shown, lines)}${reasons(shown, lines)}${losses(shown)}\n`;
}

function linesOf(shown: readonly Shown[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { report } of shown) {
    for (const judged of judge(report)) {
      const { row, figure, ours, against } = judged.goal;
      const key = [row, figure, ours, against].join('\n');
      if (!lines.has(key)) lines.set(key, { report, judged });
    }
  }
  return [...lines.values()];
}

function head(shown: readonly Shown[]): string {
  const runs = shown.map(({ report, file }) => {
    const { quick, date, interrupted, machine, command } = report;
    const code = machine['tidemark'] === undefined ? '' : `, commit ${machine['tidemark']}`;
    const whole = interrupted === true ? ', not whole' : '';
    const short = quick
      ? ', very short: it shows that the rows work, not how fast anything is'
      : '';
    const links = `([result](${file}), [report](${htmlOf(file)}))`;
    return `- \`${command}\`, ${date.slice(0, 10)}${code}${whole}${short} ${links}\n`;
  });
  const machines = [...new Set(shown.map(({ report }) => machineText(report)))];
  return `${runs.join('')}
${machines.join('\n')}
Client and broker share the processor, and where brokers stand side by side the client is the same for all (single
sends, batches and consume "on" a broker are clients side by side on the same broker). Tidemark syncs before it
acknowledges unless \`--flush os\` is said; Apache Kafka does not by default. Medians (smallest–largest) of
interleaved runs, to three digits. [bench/README.md](bench/README.md) says how each row is measured and what the
figures do not show.
`;
}

const htmlOf = (file: string): string => file.replace(/\.json$/, '.html');

function machineText({ machine }: Report): string {
  const disk = machine['disk'] === undefined ? '' : `, data on ${machine['disk']}`;
  return `Machine: ${machine['processor']}, ${machine['memory']}, ${machine['system']}${disk}; Node ${machine['node']},
${machine['java']}, Apache Kafka ${machine['kafka']}, librdkafka ${machine['librdkafka']}.`;
}

const escaped = (text: string): string => text.replaceAll('|', '\\|');

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rows = [head, head.map(() => '---'), ...lines];
  return rows.map((cells) => `| ${cells.map(escaped).join(' | ')} |\n`).join('');
}

function peerSection(shown: readonly Shown[], peer: string, lines: readonly Line[]): string {
  const title = peer === '' ? 'On its own' : `Beside ${titleOf(peer)}`;
  const reached = lines.filter(({ judged }) => judged.reached).length;
  const body =
    peer === ''
      ? table(
          ['work', 'figure', 'Tidemark', 'goal', ''],
          lines.map(({ report, judged }) => [
            workOf(judged),
            wordsOf(judged.goal.figure),
            oursText(report, judged),
            goalText(judged.goal),
            reachedText(judged),
          ]),
        )
      : table(
          ['work', 'figure', 'Tidemark', titleOf(peer), 'ratio', 'goal', ''],
          [...lines.map((line) => besideLine(line, peer)), ...withoutGoal(shown, peer)],
        );
  return `\n### ${title}: ${reached} of ${lines.length} goals reached\n\n${body}`;
}

const workOf = ({ goal }: Judged): string =>
  goal.ours === 'tidemark-os' ? `${goal.row}, \`--flush os\`` : goal.row;

const oursText = (report: Report, { goal }: Judged): string =>
  spreadText(report, goal.ours ?? 'tidemark', goal.row, goal.figure);

const reachedText = ({ reached }: Judged): string => (reached ? 'reached' : '**not reached**');

function besideLine({ report, judged }: Line, peer: string): string[] {
  const { row, figure } = judged.goal;
  return [
    workOf(judged),
    wordsOf(figure),
    oursText(report, judged),
    spreadText(report, peer, row, figure),
    ratioText(judged.ratio),
    goalText(judged.goal),
    reachedText(judged),
  ];
}

/** What is no goal beside klite, and should be known all the same. */
const alsoTold = [
  ['start-up', 'firstRecordMs'],
  ['start-up', 'idleResidentMb'],
  ['memory after these runs', 'residentMb'],
] as const;

function withoutGoal(shown: readonly Shown[], peer: string): string[][] {
  if (peer !== 'klite') return [];
  return alsoTold.flatMap(([row, figure]) => {
    const report = shown.find(
      (one) => !Number.isNaN(medianOf(one.report, peer, row, figure)),
    )?.report;
    if (report === undefined) return [];
    const ratio = medianOf(report, 'tidemark', row, figure) / medianOf(report, peer, row, figure);
    const [ours, theirs] = ['tidemark', peer].map((one) => spreadText(report, one, row, figure));
    return [[row, wordsOf(figure), ours ?? '', theirs ?? '', ratioText(ratio), '', '']];
  });
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

/** Rows of ours, or of systems of another kind, that no goal is set for: only named, with the report that has them. */
function alsoMeasured(shown: readonly Shown[], lines: readonly Line[]): string {
  const seen = new Set(lines.map(({ judged }) => judged.goal.row));
  const named = shown.flatMap(({ report, file }) => {
    const rows = new Set(
      report.results.flatMap(({ system, row }) =>
        system === 'disk' || seen.has(row) ? [] : [row.replace(/^(slope, .*): .*$/, '$1')],
      ),
    );
    for (const row of rows) seen.add(row);
    return rows.size === 0 ? [] : [`${[...rows].join('; ')} ([report](${htmlOf(file)}))`];
  });
  return named.length === 0 ? '' : `\nMeasured too, without a goal: ${named.join('; ')}.\n`;
}

/** What was busy in the rows whose goals are not reached, a line for each row. */
function reasons(shown: readonly Shown[], lines: readonly Line[]): string {
  const whys = new Map<string, string>();
  for (const { report, judged } of lines.filter((one) => !one.judged.reached)) {
    const why = whyMissed(report, judged);
    // Of a row's goals the one of a rate says most.
    const named = workOf(judged);
    if (why.length > (whys.get(named)?.length ?? 0)) whys.set(named, why);
  }
  if (whys.size === 0) return '';
  const items = [...whys].map(([row, why]) => `- ${row}: ${why}.\n`).join('');
  return (
    `\n<details><summary>What was busy in the rows that are not reached</summary>\n\n${items}` +
    `${profilesText(shown)}\n</details>\n`
  );
}

/** Where profiles are; only of rows that have one. */
function profilesText(shown: readonly Shown[]): string {
  const named = shown.flatMap(({ report, file }) => {
    const rows = (report.profiles ?? [])
      .filter(({ functions, calls }) => functions.length > 0 || calls.length > 0)
      .map(({ row }) => row);
    return rows.length === 0 ? [] : [`[the report](${htmlOf(file)}) of ${rows.join('; ')}`];
  });
  return named.length === 0
    ? ''
    : `\nProfiles (functions and system calls) are in ${named.join(', and in ')}.\n`;
}

/** More rows than these are only counted. */
const NAMED_MAX = 6;

function losses(shown: readonly Shown[]): string {
  const reports = shown.map(({ report }) => report);
  let text = '';
  const [thrownOut, kept] = [
    reports.reduce((sum, report) => sum + report.thrownOut.length, 0),
    reports.flatMap((report) => disturbed(report)),
  ];
  const limits = [...new Set(reports.map(({ foreignCoresMax }) => foreignCoresMax))].join(' or ');
  if (thrownOut > 0) {
    text +=
      `\n${thrownOut} measurements were thrown out and repeated, because others on the machine kept more than ` +
      `${limits} cores busy.\n`;
  }
  if (kept.length > 0) {
    const named =
      kept.length > NAMED_MAX
        ? `in ${kept.length} rows, which the reports name`
        : kept.map(({ system, row, runs }) => `${titleOf(system)}: ${row} (${runs})`).join('; ');
    text += `\nKept though others were as busy as that in every try: ${named}.\n`;
  }
  const missing = reports.flatMap((report) => report.missing);
  if (missing.length > 0) {
    const named = missing.map(({ what, why }) => `${what} (${why.split('\n')[0]})`);
    text += `\nNot measured: ${named.join('; ')}.\n`;
  }
  return text;
}
