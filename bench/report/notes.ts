// What has to be known before the figures of a result are read: only what is true of the rows that are in it.

import { givenIn } from './facts.ts';
import type { Report } from './result.ts';
import { peerInWords } from './words.ts';

/** Rows of `slopes`, `compaction` and `others`: nobody looks whether they were disturbed. */
const ONCE = /^slope, |^cleaning$|, (no )?cleaning$|^their own client/;

/** Rows of brokers, start, restart, groups and tools, which are measured in turns and again when disturbed. */
function hasRepeated({ results }: Report): boolean {
  return results.some(({ row, spread }) => spread['foreignCores'] !== undefined && !ONCE.test(row));
}

/** Each a paragraph. */
export function notesOf(report: Report): string[] {
  const { quick, interrupted, results, foreignCoresMax } = report;
  const notes: string[] = [];
  if (interrupted === true) {
    notes.push(
      'Not whole: the run was ended, or a suite failed, and some rows are missing or have fewer runs.',
    );
  }
  if (quick) {
    notes.push('A very short run: it shows that the benchmarks work, not how fast anything is.');
  }
  notes.push('Bars are medians, whiskers go from the smallest to the largest run.');
  if (hasRepeated(report)) {
    notes.push(
      'Runs of brokers, start and restart, groups and tools are interleaved. Those during which other processes kept ' +
        `more than ${foreignCoresMax} cores busy are repeated; each row says how much others took.`,
    );
  }
  if (results.some(({ system }) => system === 'kafka')) {
    notes.push(
      'Tidemark syncs to disk before it acknowledges unless --flush os is said; Apache Kafka does only with ' +
        'flush.messages=1.',
    );
  }
  for (const name of givenIn(report)) {
    const about = peerInWords(name);
    if (about !== name) notes.push(`${about}.`);
  }
  if (results.some(({ spread }) => Object.keys(spread).some((name) => /brokerCpu/i.test(name)))) {
    notes.push("Broker CPU is that of the broker's process as the operating system counts it.");
  }
  return notes;
}
