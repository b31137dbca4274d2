// README.md's section on measurements: what a user asks first. Everything else is in bench/RESULTS.md.

import { BESIDE } from './also-measured.ts';
import { countsTable } from './counts.ts';
import { clientSection, peerSection } from './goal-tables.ts';
import { headOf, readingText } from './head.ts';
import { RESULTS } from './results-page.ts';
import type { Shown } from './shown.ts';

export const README = 'README.md';
const BEGIN = '<!-- measurements:begin -->';
const END = '<!-- measurements:end -->';

/** The text with what stands between the markers exchanged. Throws where they are missing. */
export function replaceMeasurements(readme: string, section: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${section}${readme.slice(end)}`;
}

/**
 * The section that goes between the markers: the goals beside Kafka, our client beside others, and how many goals were
 * reached in these runs and in the `others` that are kept.
 */
export function measurementsSection(shown: readonly Shown[], others: readonly Shown[]): string {
  return `## Measured

${headOf(shown, README)}${readingText('[bench/README.md](bench/README.md)')}${countsTable(shown, others, README)}
Beside each of them, line by line, what else was measured, and what the limit is where a goal is not reached:
[${RESULTS}](${RESULTS}).
${peerSection(shown, BESIDE)}${clientSection(shown)}
`;
}
