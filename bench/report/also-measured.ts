// What was measured beside Kafka and has no goal: it is shown all the same, so that nobody sees only what we aimed at.

import { spreadText } from './markdown.ts';
import type { Report } from './result.ts';
import { betterOf, isToldTwice, medianOf, middleRatio, pairsOf } from './rounds.ts';
import { ratioText, wordsOf } from './words.ts';

export const BESIDE = 'kafka';
/** Rates, costs, latencies, times, memory and what was written; the rest describes the run. */
const TOLD = new RegExp(
  '(PerSecond|PerGb|PerMillion|(?<!max)Ms|^deviceWrittenMb|(idle|quiet)CpuPercent|^residentMb' +
    '|(start|join|leave)(Broker)?(Cpu)?Seconds)$',
);
/** Reading rows write next to nothing. (`brokerWrittenMb` of older results counts whole folios, and is not shown.) */
const WRITTEN = 'deviceWrittenMb';
const WRITTEN_MB_MIN = 1;

/** A line of the table, and what it is of. */
export interface Also {
  readonly report: Report;
  readonly row: string;
  /** Work, figure, ours, theirs and ratio. */
  readonly cells: readonly string[];
}

/** What two results have is of the first. `goals`: row and figure. */
export function alsoMeasured(
  shown: readonly { readonly report: Report }[],
  goals: ReadonlySet<string>,
): Also[] {
  const seen = new Set(goals);
  return shown.flatMap(({ report }) =>
    report.results
      .filter(({ system }) => system === 'tidemark')
      .flatMap(({ row, spread }) =>
        Object.keys(spread).flatMap((figure) => {
          const key = `${row}\n${figure}`;
          const ratio = ratioOf(report, row, figure);
          if (seen.has(key) || ratio === undefined || isToldTwice(figure, spread)) return [];
          seen.add(key);
          const [ours = '', theirs = ''] = ['tidemark', BESIDE].map((system) =>
            spreadText(report, system, row, figure),
          );
          const cells = [row, wordsOf(figure), ours, theirs, ratioText(ratio)];
          return [{ report, row, cells }];
        }),
      ),
  );
}

function ratioOf(report: Report, row: string, figure: string): number | undefined {
  if (!TOLD.test(figure)) return undefined;
  const [ours = Number.NaN, theirs = Number.NaN] = ['tidemark', BESIDE].map((system) =>
    medianOf(report, system, row, figure),
  );
  const least = figure === WRITTEN ? WRITTEN_MB_MIN : 0;
  if (!(ours > least && theirs > least)) return undefined;
  const pairs = pairsOf(report, { row, figure, ours: 'tidemark', theirs: BESIDE });
  return middleRatio(pairs, betterOf(figure));
}
