// `npm run bench -- readme FILE…`: the tables of README.md, made from results, between its measurement markers.

import { alsoMeasured } from './also-measured.ts';
import { type Judged, judge, medianOf } from './goals.ts';
import { limitsOf, loadOf } from './limits.ts';
import { spreadText, table } from './markdown.ts';
import { systemOf } from './profile.ts';
import { disturbed, givenIn, type Report } from './result.ts';
import { goalText, ratioText, titleOf, wordsOf } from './words.ts';

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
  const goals = new Set(lines.map(({ judged: { goal } }) => `${goal.row}\n${goal.figure}`));
  const also = alsoMeasured(shown, goals);
  const told = new Set([
    ...lines.map(({ judged }) => judged.goal.row),
    ...also.map(([row = '']) => row),
  ]);
  if (also.length > 0) {
    const head = ['work', 'figure', 'Tidemark', titleOf('kafka'), 'ratio'];
    text += `\n### Measured too, without a goal\n\n${table(head, also)}`;
  }
  return `${text}${onlyNamed(shown, told)}${reasons(shown, lines)}${losses(shown)}\n`;
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
${[...machines, ...commandsOf(shown)].join('\n')}
Client and broker share the processor, and where brokers stand side by side the client is the same for all (single
sends, batches and consume "on" a broker are clients side by side on the same broker). Tidemark syncs before it
acknowledges unless \`--flush os\` is said; Apache Kafka does not by default. Medians (smallest–largest) of
interleaved runs, to three digits. [bench/README.md](bench/README.md) says how each row is measured and what the
figures do not show.
`;
}

/** A line for each peer that was given by its command. */
function commandsOf(shown: readonly Shown[]): string[] {
  const lines = shown.flatMap(({ report }) =>
    Object.entries(report.peers ?? {}).map(([name, command]) => `Peer ${name}: \`${command}\`.`),
  );
  return [...new Set(lines)];
}

const htmlOf = (file: string): string => file.replace(/\.json$/, '.html');

function machineText({ machine }: Report): string {
  const disk = machine['disk'] === undefined ? '' : `, data on ${machine['disk']}`;
  return `Machine: ${machine['processor']}, ${machine['memory']}, ${machine['system']}${disk}; Node ${machine['node']},
${machine['java']}, Apache Kafka ${machine['kafka']}, librdkafka ${machine['librdkafka']}.`;
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

/** Its sizes are those that the client is given, not those that reach the broker. */
const COMPRESSED = 'produce 1 KiB, lz4';

const workOf = ({ goal: { ours, row } }: Judged): string => {
  if (row === COMPRESSED) return `${row} (before compression)`;
  return ours === 'tidemark-os' ? `${row}, \`--flush os\`` : row;
};

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

/** What is no goal beside klite and its like, and should be known all the same. */
const alsoTold = [
  ['start-up', 'firstRecordMs'],
  ['start-up', 'idleResidentMb'],
  ['memory after these runs', 'residentMb'],
] as const;

function withoutGoal(shown: readonly Shown[], peer: string): string[][] {
  if (!shown.some(({ report }) => givenIn(report).includes(peer))) return [];
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

/** Rows of ours, or of systems of another kind, that are in no table: only named, with the report that has them. */
function onlyNamed(shown: readonly Shown[], told: ReadonlySet<string>): string {
  const seen = new Set(told);
  const named = shown.flatMap(({ report, file }) => {
    const rows = new Set(
      report.results.flatMap(({ system, row }) =>
        system === 'disk' || seen.has(row) ? [] : [row.replace(/^(slope, .*): .*$/, '$1')],
      ),
    );
    for (const row of rows) seen.add(row);
    return rows.size === 0 ? [] : [`${[...rows].join('; ')} ([report](${htmlOf(file)}))`];
  });
  return named.length === 0 ? '' : `\nMeasured too, not beside Kafka: ${named.join('; ')}.\n`;
}

/** Limits and load of each row whose goals are not reached: a line for each of our settings. */
function reasons(shown: readonly Shown[], lines: readonly Line[]): string {
  const rows = new Map<string, { limits: Set<string>; load: string }>();
  for (const { report, judged } of lines.filter((one) => !one.judged.reached)) {
    const load = loadOf(report, judged.goal.row, judged.goal.ours);
    const known = rows.get(workOf(judged)) ?? { limits: new Set(), load };
    for (const limit of limitsOf(report, judged)) known.limits.add(limit);
    rows.set(workOf(judged), known);
  }
  if (rows.size === 0) return '';
  const items = [...rows].map(
    ([row, { limits, load }]) =>
      `- ${row}: ${[...limits].join('; ')}.${load === '' ? '' : ` Busy: ${load}.`}\n`,
  );
  return (
    `\n<details><summary>What the limit is in the rows that are not reached</summary>\n\n${items.join('')}` +
    `${profilesText(shown)}\n</details>\n`
  );
}

/** Where profiles are; only of rows that have one. */
function profilesText(shown: readonly Shown[]): string {
  const named = shown.flatMap(({ report, file }) => {
    const rows = (report.profiles ?? [])
      .filter(({ functions, calls }) => functions.length > 0 || calls.length > 0)
      .map((one) => `${one.row}${systemOf(one) === 'tidemark-os' ? ', `--flush os`' : ''}`);
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
