// One partition that a consumer reads, from when it is given until it is taken away.

import { ZERO_UUID } from '../../protocol/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { nameOf } from '../fetch-reading.ts';
import { Progress } from './progress.ts';

/** Where a partition begins of which nobody could tell yet: nothing is fetched from there. */
const NOWHERE = -1;

/** Where a partition begins, -1 for what is not known. */
export interface Start {
  readonly offset: number;
  /** Id of the topic that it is an offset of; zero when unknown. */
  readonly topicId: string;
  /** Leader epoch of the record before it. */
  readonly epoch: number;
  /** What its group committed. */
  readonly committed: number;
}

const NOT_TOLD: Start = { offset: NOWHERE, topicId: ZERO_UUID, epoch: -1, committed: -1 };

export class Assigned implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  /** Id of the topic that is read; zero when unknown. Another of the same name is not what was read. */
  topicId: string;
  /** What its group committed last, as far as we know; -1: nothing. */
  committed: number;
  paused = false;
  /** False once it is being taken away: nothing more of it is handed out. */
  active = true;
  /** Replaced by a seek: records of the old one count for nothing then. */
  progress: Progress;
  /** Where what is fetched next should begin; another offset says that the position was moved. */
  expected: number;
  /** How often a seek was asked for: the last one holds. */
  seeks = 0;

  constructor({ topic, partition }: TopicPartition, start = NOT_TOLD) {
    this.topic = topic;
    this.partition = partition;
    this.name = nameOf({ topic, partition });
    this.topicId = start.topicId;
    this.committed = start.committed;
    this.progress = new Progress(start.offset, start.epoch);
    this.expected = start.offset;
  }

  /** Whether it is known where to read. */
  get isPlaced(): boolean {
    return this.progress.next !== NOWHERE;
  }

  /**
   * Whether records of this stretch, of an answer that goes up to `nextOffset`, may still be handed out. After a pause
   * they are fetched again.
   */
  isReading(progress: Progress, nextOffset: number): boolean {
    const isCurrent = this.progress === progress && this.expected === nextOffset;
    return this.active && !this.paused && isCurrent;
  }

  /** Hands out nothing more of what was read, until it is fetched again. */
  hold(): void {
    this.expected = NOWHERE;
  }

  /** Begins where somebody could tell at last. */
  begin({ offset, topicId, epoch, committed }: Start): void {
    this.restart(offset, epoch);
    this.topicId = topicId;
    this.committed = committed;
  }

  /** The topic is another one of that name, of which nothing was read. */
  beginOther(topicId: string, offset: number): void {
    this.restart(offset);
    this.topicId = topicId;
    this.committed = NOWHERE;
  }

  /** Somebody wants to go on from there, in the topic as it is now. */
  seekTo(offset: number, topicId = ZERO_UUID): void {
    this.restart(offset);
    this.topicId = topicId;
  }

  /** Begins anew at an offset. */
  restart(offset: number, epoch = -1): void {
    this.progress.abandon();
    this.progress = new Progress(offset, epoch);
    this.expected = offset;
  }
}
