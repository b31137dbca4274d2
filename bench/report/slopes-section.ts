// What one record costs as something grows: rows named `slope, connections: 100`, drawn over the number.

import type { Report } from './result.ts';
import { curveChart } from './svg.ts';
import { wordsOf } from './words.ts';

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
  return `<h2>Slopes</h2><div class="plots">${shown.join('')}</div>`;
}
