// The figures of `tidemark bench`, as a document and as text.

import type { CliIo } from '../io.ts';
import { paint } from '../io.ts';
import { renderTable } from '../table.ts';
import type { LatencySummary } from './latencies.ts';
import type { Rates, ReadBack, Tail, Written } from './load.ts';
import { failuresOf, notesOf } from './notes.ts';
import type { Verdict } from './verdict.ts';

/** What `--json` prints. Latencies in milliseconds, MB are 10^6 bytes of values. */
export interface BenchReport {
  readonly brokers: string;
  readonly clusterId: string | null;
  readonly settings: {
    readonly partitions: number;
    readonly replicationFactor: number;
    readonly recordBytes: number;
    readonly acks: number;
    readonly compression: string;
    readonly seconds: number;
    readonly perSecond: number;
  };
  readonly roundTripMs: number;
  readonly oneRecordAcks1Ms: number;
  readonly oneRecordAcksAllMs: number;
  /** Null: an interrupt came before the phase had a figure. */
  readonly produce: Written | null;
  readonly consume: ReadBack | null;
  /** `recordsPerSecond` is what was reached; what was asked for is `settings.perSecond`. */
  readonly tail: Tail | null;
  readonly interrupted: boolean;
  readonly verdicts: readonly Verdict[];
}

const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const count = (value: number): string => Math.round(value).toLocaleString('en-US');

const percentiles = (latency: LatencySummary): string[] => [
  ms(latency.p50Ms),
  ms(latency.p95Ms),
  ms(latency.p99Ms),
  ms(latency.p999Ms),
  ms(latency.maxMs),
];

function tableOf(report: BenchReport): string {
  const { produce, consume, tail, settings } = report;
  const rates = (one: Rates, asked = ''): string[] => [
    `${count(one.recordsPerSecond)}${asked}`,
    one.mbPerSecond.toFixed(1),
    `${Math.round(one.busy * 100)} %`,
  ];
  const none = ['', '', '', '', ''];
  const head = ['', 'records/s', 'MB/s', 'client', 'p50 ms', 'p95', 'p99', 'p99.9', 'max'];
  const rows: string[][] = [];
  if (produce !== null) rows.push(['write', ...rates(produce), ...percentiles(produce.latency)]);
  if (consume !== null) rows.push(['read back', ...rates(consume), ...none]);
  if (tail !== null) {
    const asked = ` of ${count(settings.perSecond)}`;
    rows.push(['from due to read', ...rates(tail, asked), ...percentiles(tail.latency)]);
  }
  return renderTable(head, rows, { right: [1, 2, 3, 4, 5, 6, 7, 8] });
}

/** Prints the report. */
export async function printReport(io: CliIo, report: BenchReport, json: boolean): Promise<void> {
  if (json) {
    await io.data(`${JSON.stringify(report)}\n`);
    return;
  }
  const { settings } = report;
  const acks = settings.acks === -1 ? 'all' : String(settings.acks);
  const probes =
    `one at a time: round trip ${ms(report.roundTripMs)} ms, a record with acks=1 ` +
    `${ms(report.oneRecordAcks1Ms)} ms, with acks=all ${ms(report.oneRecordAcksAllMs)} ms`;
  const { partitions, replicationFactor: copies } = settings;
  const setting =
    `${report.brokers}: ${settings.recordBytes} B records, ` +
    `${partitions} ${partitions === 1 ? 'partition' : 'partitions'} in ` +
    `${copies} ${copies === 1 ? 'copy' : 'copies'}, acks=${acks}, ` +
    `${settings.compression === 'none' ? 'not compressed' : settings.compression}`;
  await io.data(`${setting}\n${probes}\n\n${tableOf(report)}\n`);
  for (const { phase, limit, words } of report.verdicts) {
    const name = `${phase}:`.padEnd(9);
    await io.data(`${paint(limit === 'none' ? 'green' : 'yellow', name)}${words}\n`);
  }
  const notes = [...notesOf(report), ...failuresOf(report)];
  for (const words of notes) await io.data(`${paint('yellow', 'note:    ')}${words}\n`);
}
