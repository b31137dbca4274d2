// What one record costs as something grows: rows named `slope, connections: 100`, drawn over the number, and where each
// line turns: a cost per record that stays the same is linear, one that begins to rise is not.

import type { Report } from './result.ts';
import { curveChart, escapeXml } from './svg.ts';
import { numberText, wordsOf } from './words.ts';

const NAME = /^slope, (.+): ([\d,]+)$/;

export interface SlopePoint {
  readonly at: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** The points of each slope, in order of the number. */
export function slopesOf({ results }: Report): Map<string, SlopePoint[]> {
  const slopes = new Map<string, SlopePoint[]>();
  for (const { row, spread } of results) {
    const [, what, count] = NAME.exec(row) ?? [];
    if (what === undefined || count === undefined) continue;
    const figures = Object.fromEntries(
      Object.entries(spread).map(([figure, { median }]) => [figure, median]),
    );
    const points = slopes.get(what) ?? [];
    points.push({ at: Number(count.replaceAll(',', '')), figures });
    slopes.set(what, points);
  }
  for (const points of slopes.values()) points.sort((a, b) => a.at - b.at);
  return slopes;
}

/** A cost that is so many times its smallest before has turned; less is noise. */
const TURNED = 1.5;
const judged = ['brokerCpuMicrosecondsPerRecord', 'p99Ms'];

/** What lies behind the turns that are known. */
const reasons: Readonly<Record<string, string>> = {
  partitions:
    'At the same rate fewer records share a batch the more partitions there are: with 2,000 records a second and ' +
    '5 ms of linger ten of them share one partition, and from ten partitions on nearly each is a batch, a request, ' +
    'a write and an entry of the journal of its own. When the segment files are more than may be open at once (a ' +
    "quarter of the process's descriptors), they are closed and opened again and again.",
};

const UNKNOWN = 'Why it turns there is not known.';

export interface Turn {
  readonly figure: string;
  /** Where it was smallest before it turned. */
  readonly low: { readonly at: number; readonly value: number };
  /** The first number at which it is clearly more; null where it never is. */
  readonly turned: { readonly at: number; readonly value: number } | null;
  readonly last: { readonly at: number; readonly value: number };
}

/** Where the cost of one record begins to rise with the number. Null with fewer than two points. */
export function turnOf(points: readonly SlopePoint[], figure: string): Turn | null {
  const measured = points.flatMap(({ at, figures }) => {
    const value = figures[figure];
    return value === undefined ? [] : [{ at, value }];
  });
  const [first] = measured;
  const last = measured.at(-1);
  if (first === undefined || last === undefined || measured.length < 2) return null;
  let low = first;
  for (const point of measured) {
    if (point.value >= low.value * TURNED) return { figure, low, turned: point, last };
    if (point.value < low.value) low = point;
  }
  return { figure, low, turned: null, last };
}

function turnText(what: string, { figure, low, turned, last }: Turn): string {
  const number = (at: number): string => at.toLocaleString('en-US');
  const lowest = `${numberText(low.value)} at ${number(low.at)}`;
  if (turned === null) {
    return `${wordsOf(figure)}: does not grow with ${what}: ${lowest}, ${numberText(last.value)} at ${number(last.at)}`;
  }
  const times = (value: number): string => `${numberText(value / low.value)} times as much`;
  const end = last === turned ? '' : `, at ${number(last.at)} ${times(last.value)}`;
  return `${wordsOf(figure)}: ${lowest}, turns at ${number(turned.at)}: ${times(turned.value)}${end}`;
}

function turnsText(report: Report): string {
  const parts = [...slopesOf(report)].map(([what, points]) => {
    const turns = judged.flatMap((figure) => turnOf(points, figure) ?? []);
    if (turns.length === 0) return '';
    const items = turns.map((turn) => `<li>${escapeXml(turnText(what, turn))}</li>`).join('');
    const turned = turns.some((turn) => turn.turned !== null);
    const why = turned ? `<p>${escapeXml(reasons[what] ?? UNKNOWN)}</p>` : '';
    return `<h3>${escapeXml(what)}</h3><ul>${items}</ul>${why}`;
  });
  return parts.join('');
}

const drawn = ['brokerCpuMicrosecondsPerRecord', 'p50Ms', 'p99Ms', 'residentMb'];
const units: Readonly<Record<string, string>> = {
  brokerCpuMicrosecondsPerRecord: 'µs',
  residentMb: 'MB',
};

/** Plots of the slopes; '' where none was measured. */
export function slopesSection(report: Report): string {
  const charts = [...slopesOf(report)].flatMap(([what, points]) =>
    drawn.map((figure) => {
      const measured = points.filter((point) => point.figures[figure] !== undefined);
      if (measured.length < 2) return '';
      const values = measured.map(
        ({ at, figures }) => [Math.log10(at), figures[figure] ?? 0] as const,
      );
      const xTicks = measured.map(({ at }) => ({
        at: Math.log10(at),
        text: at.toLocaleString('en-US'),
      }));
      const axes = {
        title: `${wordsOf(figure)} as ${what} grow`,
        xTicks,
        yUnit: units[figure] ?? 'ms',
      };
      return curveChart(axes, [{ label: 'Tidemark', kind: 'c0', points: values }]);
    }),
  );
  const shown = charts.filter((chart) => chart !== '');
  if (shown.length === 0) return '';
  return `<h2>Slopes</h2><div class="plots">${shown.join('')}</div>${turnsText(report)}`;
}
