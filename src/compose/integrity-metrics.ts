// What checks of stored bytes have found, as metrics.

import type { Metric } from '../broker/index.ts';
import type { LogStore } from '../storage/index.ts';

/** Nothing where the store does not count. */
export function integrityMetrics({ integrity }: LogStore): Metric[] {
  if (integrity === undefined) return [];
  const counter = (name: string, help: string, value: number): Metric => ({
    name: `tidemark_${name}_total`,
    type: 'counter',
    help,
    samples: [{ value }],
  });
  return [
    counter(
      'verified_bytes',
      'Stored bytes whose checksums were compared.',
      integrity.verifiedBytes,
    ),
    counter(
      'scrubbed_bytes',
      'Stored bytes that the background scrub compared.',
      integrity.scrubbedBytes,
    ),
    counter('scrub_passes', 'Passes of the scrub through all files.', integrity.scrubPasses),
    counter('damaged_ranges', 'Damaged stretches found in logs.', integrity.damagedRanges),
    counter('damaged_offsets', 'Offsets lost to damage.', integrity.damagedOffsets),
  ];
}
