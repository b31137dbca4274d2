// From topics to a file: everything between two offsets of each partition, as it lies in the log, or as text.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import { type Cluster, describeConfigs, Fetcher } from '../../src/client/index.ts';
import { readingToCopy } from '../batches/reading.ts';
import type { Stretch } from '../replay/index.ts';
import {
  ABOUT,
  type ArchivedTopic,
  type ArchiveHead,
  type ArchiveStretch,
  type PartitionTotals,
} from './documents.ts';
import { ArchiveError } from './errors.ts';
import type { ExportSink } from './export-sink.ts';
import { placeOf } from './totals.ts';

export interface ExportProgress {
  /** Offsets that are behind us, and all of them. */
  readonly done: number;
  readonly total: number;
  readonly fileBytes: number;
}

export interface ExportOptions {
  readonly cluster: Cluster;
  readonly sink: ExportSink;
  /** Goes on behind what retention took away, instead of failing. */
  readonly skipCut: boolean;
  readonly signal: AbortSignal;
  onProgress?(progress: ExportProgress): void;
}

export interface ExportResult {
  /** False: stopped by the signal; it can be resumed. */
  readonly finished: boolean;
  readonly partitions: readonly PartitionTotals[];
  readonly fileBytes: number;
}

const CHECKPOINT_MS = 5_000;

/** The head of an export of these stretches. Throws KafkaError. */
export async function planArchive(
  cluster: Cluster,
  stretches: readonly Stretch[],
  by: string,
): Promise<ArchiveHead> {
  const topics: ArchivedTopic[] = [];
  for (const name of new Set(stretches.map((one) => one.topic))) {
    const info = await cluster.topic(name, { create: false });
    topics.push({
      name,
      partitions: info.partitions.length,
      configs: await configsOf(cluster, name),
    });
  }
  return {
    type: 'head',
    format: 'tidemark-archive',
    version: 1,
    about: ABOUT,
    createdMs: cluster.clock.now(),
    by,
    clusterId: (await cluster.describe()).clusterId,
    topics,
    stretches: stretches.map(({ topic, partition, from, to }) => ({ topic, partition, from, to })),
  };
}

async function configsOf(cluster: Cluster, topic: string): Promise<Record<string, string>> {
  const configs: Record<string, string> = {};
  const entries = await describeConfigs(cluster, { type: 'topic', name: topic });
  for (const { name, value, source } of entries) {
    if (source === 'topic' && value !== null) configs[name] = value;
  }
  return configs;
}

/**
 * Exports what the sink's head names. Throws ArchiveError `archive_unusable`, `source_cut`, KafkaError; what was
 * written is safe then (unless the sink does not sync), and the export can be resumed.
 */
export async function exportTopics(options: ExportOptions): Promise<ExportResult> {
  const { sink, signal } = options;
  const open = new Map<string, ArchiveStretch>();
  const fetcher = makeFetcher(options);
  for (const stretch of sink.head.stretches) {
    const place = placeOf(stretch);
    if (sink.position(place) >= stretch.to) continue;
    open.set(place, stretch);
    fetcher.set(stretch, sink.position(place));
  }
  try {
    if (open.size > 0) await copy(options, fetcher, open);
  } catch (error) {
    await sink.checkpoint().catch(() => {});
    throw explained(error, open, sink);
  }
  const finished = open.size === 0;
  if (finished) await sink.finish(options.cluster.clock.now());
  else if (signal.aborted) await sink.checkpoint();
  return { finished, partitions: sink.totals(), fileBytes: sink.bytes };
}

function makeFetcher({ cluster, skipCut }: ExportOptions): Fetcher {
  return new Fetcher(cluster, {
    outOfRange: skipCut ? 'earliest' : 'error',
    isolation: 'read_committed',
    ...readingToCopy(),
  });
}

async function copy(
  options: ExportOptions,
  fetcher: Fetcher,
  open: Map<string, ArchiveStretch>,
): Promise<void> {
  const { sink, signal, cluster } = options;
  const total = sink.head.stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  let checkpointMs = cluster.clock.monotonic();
  for await (const fetched of fetcher.read(signal)) {
    const place = placeOf(fetched);
    const stretch = open.get(place);
    if (stretch !== undefined) await sink.take(fetched, stretch.to);
    fetched.lease?.drop();
    if (stretch === undefined) continue;
    if (fetched.nextOffset >= stretch.to) {
      fetcher.remove(stretch);
      open.delete(place);
    }
    const nowMs = cluster.clock.monotonic();
    if (nowMs >= checkpointMs + CHECKPOINT_MS) {
      await sink.checkpoint();
      checkpointMs = nowMs;
    }
    if (options.onProgress === undefined) continue;
    let done = 0;
    for (const one of sink.head.stretches) done += sink.position(placeOf(one)) - one.from;
    options.onProgress({ done, total, fileBytes: sink.bytes });
  }
}

function explained(
  error: unknown,
  open: ReadonlyMap<string, ArchiveStretch>,
  sink: ExportSink,
): unknown {
  if (!(error instanceof KafkaError) || error.code !== 'OFFSET_OUT_OF_RANGE') return error;
  const at = [...open.keys()].map((place) => `${place} at ${sink.position(place)}`).join(', ');
  const text = `retention took records that were not exported yet (${at}): go on behind them with --skip-cut`;
  return new ArchiveError('source_cut', text, { cause: error });
}
