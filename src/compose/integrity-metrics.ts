// What checks of stored bytes have found, as metrics.

import { counter, type Metric } from '../broker/index.ts';
import type { LogStore } from '../storage/index.ts';

/** Nothing where the store does not count. */
export function integrityMetrics({ integrity }: LogStore): Metric[] {
  if (integrity === undefined) return [];
  return [
    counter(
      'tidemark_verified_bytes_total',
      'Stored bytes whose checksums were compared.',
      integrity.verifiedBytes,
    ),
    counter(
      'tidemark_scrubbed_bytes_total',
      'Stored bytes that the background scrub compared.',
      integrity.scrubbedBytes,
    ),
    counter(
      'tidemark_scrub_passes_total',
      'Passes of the scrub through all files.',
      integrity.scrubPasses,
    ),
    counter(
      'tidemark_damaged_ranges_total',
      'Damaged stretches found in logs.',
      integrity.damagedRanges,
    ),
    counter('tidemark_damaged_offsets_total', 'Offsets lost to damage.', integrity.damagedOffsets),
  ];
}
