// A partition whose records are numbers of bytes: enough to see what a fetch reads, and when it
// wakes.

import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import type {
  FetchedRecords,
  FetchSpec,
  Partition,
  PartitionWatcher,
  Topic,
} from '../../../../src/engine/index.ts';

export interface FakePartition extends Partition {
  /** Bytes of each record, by offset. */
  readonly sizes: number[];
  readonly reads: FetchSpec[];
  readonly watchers: Set<PartitionWatcher>;
  /** Whether its records are in memory, so that no read has to be waited for. */
  inMemory: boolean;
  highWatermark: number;
  startOffset: number;
  leaderEpoch: number;
  online: boolean;
  /** Adds records and tells the watchers. */
  commit(...sizes: number[]): void;
}

export function fakeTopic(name: string, partitionCount = 1, id = `id-${name}`): Topic {
  return { name, id, internal: false, partitionCount, configs: new Map(), createdMs: 0 };
}

function notUsed(): never {
  throw new Error('the test does not expect this call');
}

export function fakePartition(topic: Topic, index = 0): FakePartition {
  const sizes: number[] = [];
  const reads: FetchSpec[] = [];
  const watchers = new Set<PartitionWatcher>();
  const readAll = (spec: FetchSpec): FetchedRecords => {
    reads.push(spec);
    if (spec.offset < partition.startOffset || spec.offset > sizes.length) {
      throw new KafkaError('OFFSET_OUT_OF_RANGE', 'out of range');
    }
    const parts: Buffer[] = [];
    let byteLength = 0;
    for (let offset = spec.offset; offset < partition.highWatermark; offset++) {
      const size = sizes[offset] ?? 0;
      const first = parts.length === 0 && spec.minOneBatch;
      if (byteLength + size > spec.maxBytes && !first) break;
      byteLength += size;
      parts.push(Buffer.alloc(size, offset));
    }
    const { highWatermark, lastStableOffset, startOffset } = partition;
    return {
      records: parts,
      byteLength,
      highWatermark,
      lastStableOffset,
      logStartOffset: startOffset,
      abortedTransactions: null,
    };
  };
  const partition: FakePartition = {
    topic,
    index,
    sizes,
    reads,
    watchers,
    inMemory: false,
    startOffset: 0,
    highWatermark: 0,
    leaderEpoch: 0,
    online: true,
    get endOffset() {
      return sizes.length;
    },
    get lastStableOffset() {
      return this.highWatermark;
    },
    commit(...added) {
      sizes.push(...added);
      this.highWatermark = sizes.length;
      for (const watcher of watchers) watcher.changed();
    },
    async read(spec) {
      return readAll(spec);
    },
    readNow: (spec) => (partition.inMemory ? readAll(spec) : null),
    watch(watcher) {
      watcher.place = 0;
      watchers.add(watcher);
    },
    unwatch(watcher) {
      watcher.place = -1;
      watchers.delete(watcher);
    },
    endOffsetForEpoch: () => ({ epoch: partition.leaderEpoch, endOffset: sizes.length }),
    sizeBytes: () => sizes.reduce((sum, size) => sum + size, 0),
    append: notUsed,
    appendFor: notUsed,
    listOffset: notUsed,
    deleteRecords: notUsed,
    producers: () => [],
    isCommitPrepared: notUsed,
    batches: notUsed,
    reopen: notUsed,
  };
  return partition;
}
