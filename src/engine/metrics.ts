// Counters of an engine. All only grow, since the engine was opened.

export interface EngineMetrics {
  readonly batchesAppended: number;
  readonly recordsAppended: number;
  readonly bytesAppended: number;
  /** Batches that were stored already and were answered with their first offset. */
  readonly batchesDuplicate: number;
  /** Appends refused, for any reason. */
  readonly appendsRefused: number;
  readonly reads: number;
  readonly bytesRead: number;
  /** Partitions that failed, counted each time. */
  readonly partitionFailures: number;
}

/** The engine's own view, which counts. */
export type MutableMetrics = { -readonly [Name in keyof EngineMetrics]: EngineMetrics[Name] };

export function newMetrics(): MutableMetrics {
  return {
    batchesAppended: 0,
    recordsAppended: 0,
    bytesAppended: 0,
    batchesDuplicate: 0,
    appendsRefused: 0,
    reads: 0,
    bytesRead: 0,
    partitionFailures: 0,
  };
}
