// What all partitions of a topic share, and what all partitions of an engine work with.

import type { Clock, Logger } from '../base/ports.ts';
import type { RecordWorker } from '../record/index.ts';
import type { LogStore } from '../storage/index.ts';
import type { Topic } from './contract.ts';
import type { FreeSpace } from './free-space.ts';
import type { MutableMetrics } from './metrics.ts';
import type { PreparedCommits } from './prepared-commits.ts';
import type { TopicSettings } from './topic-settings.ts';

/** A topic as it is now; replaced in place when it grows or its configs change. */
export interface TopicShared {
  topic: Topic;
  settings: TopicSettings;
}

export interface PartitionContext {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly space: FreeSpace;
  readonly metrics: MutableMetrics;
  readonly recordWorker: RecordWorker;
  readonly preparedCommits: PreparedCommits;
}
