// Results made up for what is tested of reports.

import { measurementsSection } from '../../../bench/report/readme.ts';
import { Gathered, type Report } from '../../../bench/report/result.ts';
import { resultsPage } from '../../../bench/report/results-page.ts';
import type { Figures } from '../../../bench/suite.ts';

export type Run = readonly [system: string, row: string, figures: Figures];

export function reportOf(runs: readonly Run[], more: Partial<Report> = {}): Report {
  const gathered = new Gathered();
  for (const [system, row, figures] of runs) {
    gathered.add(
      system,
      row,
      figures,
      system === 'tidemark'
        ? [
            [1.5, 90],
            [20, 10],
          ]
        : undefined,
    );
  }
  return {
    format: 2,
    date: '2026-11-29T10:00:00.000Z',
    quick: false,
    command: 'npm run bench -- --peers kafka',
    machine: { processor: '2 × Some <Processor>', kafka: '4.3.1' },
    rows: { 'produce 1 KiB': 'rdkafka_performance -P' },
    missing: [],
    thrownOut: [],
    foreignCoresMax: 0.35,
    results: gathered.results(),
    ...more,
  };
}

export const produce = 'produce 1 KiB';
export const beside: readonly Run[] = [
  ['disk', 'disk probe', { mbPerSecond: 600 }],
  ['tidemark', produce, { mbPerSecond: 520, brokerCpuSecondsPerGb: 0.8, loopDelayP99Ms: 12 }],
  ['tidemark', produce, { mbPerSecond: 540, brokerCpuSecondsPerGb: 0.9, loopDelayP99Ms: 12 }],
  ['tidemark-os', produce, { mbPerSecond: 900 }],
  ['kafka', produce, { mbPerSecond: 700, brokerCpuSecondsPerGb: 1.7 }],
];

/** README's section on one result. */
export const sectionOf = (report: Report, file: string): string =>
  measurementsSection([{ report, file }], []);

/** bench/RESULTS.md of one result. */
export const pageOf = (report: Report, file = 'bench/results/x.json'): string =>
  resultsPage([{ report, file }]);
