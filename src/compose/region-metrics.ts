// How the bytes of segment files went to consumers, as metrics.

import type { Metric } from '../broker/index.ts';
import type { RegionStats } from '../host/peer-output.ts';

export function regionMetrics({ sentByKernel, sentByCopy }: RegionStats): Metric[] {
  return [
    {
      name: 'tidemark_sent_region_bytes_total',
      type: 'counter',
      help: 'Bytes of segment files sent to consumers, by the way they took.',
      samples: [
        { labels: { way: 'sendfile' }, value: sentByKernel },
        { labels: { way: 'copy' }, value: sentByCopy },
      ],
    },
  ];
}
