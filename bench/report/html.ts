// The report of a result as one page that needs nothing else: goals, plots, every figure, and what is missing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../peers/index.ts';
import { entryText, meaningsOf } from './entries.ts';
import { isOurs } from './facts.ts';
import { countOf, quantile } from './histogram.ts';
import { entriesOf, loadOf } from './limits.ts';
import { notesOf } from './notes.ts';
import { profileOf, type RowProfile, systemOf } from './profile.ts';
import { disturbed, type Report, type Result } from './result.ts';
import { slopesSection } from './slopes-section.ts';
import { type Bar, barChart, type Curve, curveChart, escapeXml } from './svg.ts';
import { type Judged, judge } from './verdicts.ts';
import { goalText, numberText, ratioText, titleOf, verdictText, wordsOf } from './words.ts';

/** Colours of ours and of others, in the order of the result: a system has the same one in every plot. */
const ourKinds: readonly string[] = ['c0', 'c1'];
const otherKinds: readonly string[] = ['c2', 'c3', 'c4', 'c5', 'c6', 'c8', 'c9'];

function kindOf(report: Report, system: string): string {
  const ours = isOurs(report, system);
  const alike = report.results
    .map((one) => one.system)
    .filter((one) => isOurs(report, one) === ours);
  const kinds = ours ? ourKinds : otherKinds;
  return kinds[[...new Set(alike)].indexOf(system) % kinds.length] ?? 'c7';
}

const paragraph = (text: string): string => `<p>${escapeXml(text)}</p>`;

function table(head: readonly string[], lines: readonly string[]): string {
  const names = head.map((name) => `<th>${escapeXml(name)}</th>`).join('');
  return `<div class="wide"><table><tr>${names}</tr>${lines.join('')}</table></div>`;
}

const cell = (text: string): string => `<td>${escapeXml(text)}</td>`;
const number = (text: string): string => `<td class="n">${escapeXml(text)}</td>`;

function goalsSection(report: Report): string {
  const judged = judge(report);
  if (judged.length === 0) return '';
  const lines = judged.map((one) => {
    const { goal, ours, theirs, ratio, reached, disk } = one;
    const who = titleOf(goal.ours ?? 'tidemark');
    return (
      `<tr>${cell(goal.row)}${cell(wordsOf(goal.figure))}${cell(who)}${number(numberText(ours))}` +
      `${cell(goal.against === undefined ? '' : titleOf(goal.against))}${number(numberText(theirs))}` +
      `${number(goal.against === undefined ? '' : ratioText(ratio, goal.limit))}${cell(goalText(goal, disk))}` +
      `<td class="${reached ? 'yes' : 'no'}">${verdictText(one)}</td></tr>`
    );
  });
  const reached = judged.filter((one) => one.reached).length;
  const head = ['work', 'figure', 'ours', '', 'beside', '', 'ratio', 'goal', ''];
  const title = `<h2>Goals: ${reached} of ${judged.length} reached</h2>`;
  return `${title}${paragraph(VERDICTS)}${table(head, lines)}`;
}

const VERDICTS =
  'Figures are medians. The ratio is that of the middle round, each of ours beside theirs of the same round; in ' +
  'brackets: in how many of the rounds the goal was reached. Most of them decide.';

/** Bars of one figure of one row, a bar for each system that has it. */
function barsOf(report: Report, row: string, figure: string): string {
  const bars = report.results
    .filter((one) => one.row === row && one.spread[figure] !== undefined)
    .map((one): Bar => {
      const { min, median, max } = one.spread[figure] ?? { min: 0, median: 0, max: 0 };
      const label = titleOf(one.system);
      return {
        label,
        kind: kindOf(report, one.system),
        value: median,
        min,
        max,
        text: numberText(median),
      };
    });
  return bars.length === 0 ? '' : barChart(`${row}: ${wordsOf(figure)}`, bars);
}

function plots(title: string, charts: readonly string[]): string {
  const shown = charts.filter((chart) => chart !== '');
  return shown.length === 0 ? '' : `<h2>${title}</h2><div class="plots">${shown.join('')}</div>`;
}

function rowsOf({ results }: Report): string[] {
  const rows = new Set(results.filter((one) => one.system !== 'micro').map((one) => one.row));
  return [...rows].filter((row) => !row.startsWith('slope, '));
}

function figurePlots(report: Report, title: string, figures: readonly string[]): string {
  const charts = rowsOf(report).flatMap((row) =>
    figures.map((figure) => barsOf(report, row, figure)),
  );
  return plots(title, charts);
}

const SHARES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999];
/** Each nine takes the same width. */
const nines = (share: number): number => -Math.log10(1 - share);
const shareTicks = [0.5, 0.9, 0.99, 0.999, 0.9999].map((share) => ({
  at: nines(share),
  text: `p${Number((share * 100).toPrecision(6))}`,
}));

function latencyCurve(report: Report, { system, latencies = [] }: Result): Curve {
  const enough = SHARES.filter((share) => countOf(latencies) * (1 - share) >= 1);
  const points = enough.map((share) => [nines(share), quantile(latencies, share)] as const);
  const shown = points.filter(([at]) => at <= nines(0.9999) + 1e-9);
  return { label: titleOf(system), kind: kindOf(report, system), points: shown };
}

function latencyPlots(report: Report): string {
  const charts = rowsOf(report).map((row) => {
    const measured = report.results.filter((one) => one.row === row && one.latencies !== undefined);
    if (measured.length === 0) return '';
    const axes = { title: `${row}: latency`, xTicks: shareTicks, yUnit: 'ms' };
    return curveChart(
      axes,
      measured.map((one) => latencyCurve(report, one)),
    );
  });
  return plots('Latency: all runs together', charts);
}

function everything(report: Report): string {
  const lines = report.results.flatMap(({ system, row, runs, spread }) =>
    Object.entries(spread).map(
      ([figure, { min, median, max }], index) =>
        `<tr>${cell(index === 0 ? row : '')}${cell(index === 0 ? titleOf(system) : '')}` +
        `${number(index === 0 ? String(runs.length) : '')}${cell(wordsOf(figure))}` +
        `${number(numberText(min))}${number(numberText(median))}${number(numberText(max))}</tr>`,
    ),
  );
  const head = ['row', 'system', 'runs', 'figure', 'smallest', 'median', 'largest'];
  return `<h2>Every figure</h2><details><summary>${lines.length} figures</summary>${table(head, lines)}</details>`;
}

function howMeasured({ rows }: Report): string {
  const lines = Object.entries(rows).map(([row, how]) => `<tr>${cell(row)}${cell(how)}</tr>`);
  return lines.length === 0
    ? ''
    : `<h2>How each row is measured</h2>${table(['row', 'how'], lines)}`;
}

function losses(report: Report): string {
  let text = '';
  if (report.missing.length > 0) {
    const lines = report.missing.map(({ what, why }) => `<tr>${cell(what)}${cell(why)}</tr>`);
    text += `<h2>Not measured</h2>${table(['what', 'why'], lines)}`;
  }
  if (report.thrownOut.length > 0) {
    const lines = report.thrownOut.map(
      (one) =>
        `<tr>${cell(one.row)}${cell(titleOf(one.system))}${number(numberText(one.foreignCores))}</tr>`,
    );
    const head = ['row', 'system', 'cores kept busy by others'];
    text += `<h2>Thrown out and repeated</h2>${table(head, lines)}`;
  }
  const kept = disturbed(report).map(
    ({ system, row, runs }) =>
      `<tr>${cell(row)}${cell(titleOf(system))}${number(String(runs))}</tr>`,
  );
  if (kept.length > 0) {
    text += `<h2>Kept though others were busy in every try</h2>${table(['row', 'system', 'runs'], kept)}`;
  }
  return text;
}

/** With the name of the row and of the system that it is of. */
function profileSection(profile: RowProfile | undefined): string {
  if (profile === undefined || (profile.functions.length === 0 && profile.calls.length === 0)) {
    return paragraph('There is no profile of this row.');
  }
  const title = `Profile of ${titleOf(systemOf(profile))} in “${profile.row}”`;
  return `<h4>${escapeXml(title)}</h4>${profileTables(profile)}`;
}

function profileTables({ functions, calls }: RowProfile): string {
  const hot = functions.map(
    ({ name, place, share }) => `<tr>${number(percent(share))}${cell(name)}${cell(place)}</tr>`,
  );
  const made = calls.map(
    (one) =>
      `<tr>${number(percent(one.share))}${cell(one.name)}${number(one.calls.toLocaleString('en-US'))}` +
      `${number(one.errors === 0 ? '' : one.errors.toLocaleString('en-US'))}</tr>`,
  );
  return `<div class="plots">${
    hot.length === 0 ? '' : table(['own time', 'function of the event loop', 'where'], hot)
  }${
    made.length === 0 ? '' : table(['time', 'system call, all threads', 'calls', 'errors'], made)
  }</div>`;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Each row with goals that are not reached: by how much, what was busy meanwhile, and where our time went. */
function missedSection(report: Report): string {
  const missed = judge(report).filter((one) => !one.reached);
  if (missed.length === 0) return '';
  const rows = [...new Set(missed.map(({ goal }) => goal.row))];
  const parts = rows.map((row) => {
    const goals = missed.filter(({ goal }) => goal.row === row);
    // Limits and where the time went are the same for all goals of one setting of ours.
    const systems = [...new Set(goals.map(({ goal }) => goal.ours ?? 'tidemark'))];
    const settings = systems.map((system) => {
      const own = goals.filter(({ goal }) => (goal.ours ?? 'tidemark') === system);
      const limits = entriesOf(report, own).map(entryText);
      return (
        `<h4>${escapeXml(titleOf(system))}</h4>${list(own.map(missedText))}${list(limits)}` +
        profileSection(profileOf(report.profiles, row, system))
      );
    });
    return `<h3>${escapeXml(row)}</h3>${settings.join('')}`;
  });
  const meanings = list(meaningsOf(entriesOf(report, missed)));
  return `<h2>Why goals are not reached</h2>${meanings}${paragraph(PROFILED)}${parts.join('')}`;
}

const list = (texts: readonly string[]): string =>
  `<ul>${texts.map((text) => `<li>${escapeXml(text)}</li>`).join('')}</ul>`;

const PROFILED =
  "Functions are those of the event loop's thread by V8's profiler, system calls those of all threads by strace, " +
  'each in a run of its own after the measurement.';

function missedText(one: Judged): string {
  const { goal, ours, theirs, ratio, disk } = one;
  const figure = `${wordsOf(goal.figure)}: ${numberText(ours)}`;
  const beside =
    goal.against === undefined
      ? ''
      : ` beside ${numberText(theirs)} of ${titleOf(goal.against)}, ${ratioText(ratio, goal.limit)}`;
  return `${figure}${beside}: ${verdictText(one)}, goal ${goalText(goal, disk)}`;
}

function otherProfiles(report: Report): string {
  const keyOf = (row: string, system: string): string => `${system}\n${row}`;
  const missed = new Set(
    judge(report).flatMap(({ goal, reached }) =>
      reached ? [] : [keyOf(goal.row, goal.ours ?? 'tidemark')],
    ),
  );
  const others = (report.profiles ?? []).filter(
    (one) => !missed.has(keyOf(one.row, systemOf(one))),
  );
  if (others.length === 0) return '';
  const parts = others.map((one) => {
    const system = systemOf(one);
    const summary = `${titleOf(system)}, ${one.row}: ${loadOf(report, one.row, system)}`;
    return `<details><summary>${escapeXml(summary)}</summary>${profileSection(one)}</details>`;
  });
  return `<h2>Where our broker's time goes in the other rows</h2>${paragraph(PROFILED)}${parts.join('')}`;
}

function machineList(report: Report): string {
  const given = Object.entries(report.peers ?? {}).map(([name, command]) => [
    `peer ${name}`,
    command,
  ]);
  const facts = [['command', report.command], ...given, ...Object.entries(report.machine)];
  const items = facts.map(
    ([name = '', value = '']) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>`,
  );
  return `<dl>${items.join('')}</dl>`;
}

const RATES = ['mbPerSecond', 'megabytesPerSecond', 'recordsPerSecond', 'requestsPerSecond'];

/** The whole page. */
export function htmlOf(report: Report): string {
  const title = `Tidemark benchmark, ${report.date.slice(0, 16).replace('T', ' ')}`;
  const notes = notesOf(report).map(paragraph).join('');
  const style = readFileSync(join(projectRoot(), 'bench/report/style.css'), 'utf8');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>
${style}</style>
<h1>${title}</h1>${machineList(report)}${notes}
${goalsSection(report)}
${missedSection(report)}
${figurePlots(report, 'Throughput', RATES)}
${figurePlots(report, 'Broker CPU', ['brokerCpuSecondsPerGb', 'brokerCpuSecondsPerMillion'])}
${figurePlots(report, 'CPU of clients and tools', ['cpuSecondsPerMillion', 'cpuSecondsPerGb'])}
${latencyPlots(report)}
${figurePlots(report, 'Start and restart', ['firstRecordMs', 'killWritableMs', 'cleanWritableMs'])}
${figurePlots(report, 'Memory', ['idleResidentMb', 'residentMb'])}
${figurePlots(report, 'Event-loop delay', ['loopDelayP99Ms', 'loopOwnDelayP99Ms'])}
${slopesSection(report)}
${otherProfiles(report)}
${losses(report)}${howMeasured(report)}${everything(report)}
</html>
`;
}
