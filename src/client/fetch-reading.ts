// What a fetcher keeps of each partition that it reads.

import type { TopicPartition } from './admin-cluster.ts';
import type { FetchPart } from './fetch-request.ts';

/** A partition that is read. Set anew it is another one, so that what is on its way for the old one is dropped. */
export interface Reading extends TopicPartition {
  offset: number;
  /** Leader epoch of what lies before `offset`, -1 when unknown. */
  epoch: number;
  /** Epoch of the leader that `offset` is known to be right with. */
  leaderEpoch: number;
  /** A question about it is under way. */
  busy: boolean;
  notBeforeMs: number;
  troubles: number;
  troubleSinceMs: number | null;
}

export interface Part extends FetchPart {
  readonly reading: Reading;
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
