// What became of the addresses of a crawl: how many were fetched, led elsewhere, were refused, and why.

import { type Cluster, LogReader, listOffsets, SpecialTime } from '../../src/client/index.ts';
import { readingOfRange } from '../batches/reading.ts';
import { type CrawlResult, namesOf } from './types.ts';

/** By status of HTTP, or by what was in the way: how many addresses, the most first. Throws KafkaError. */
export async function outcomesOf(
  cluster: Cluster,
  crawl: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const { results: topic } = namesOf(crawl);
  const info = await cluster.topic(topic, { create: false });
  const partitions = info.partitions.map((one) => one.partition);
  const ends = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const reader = new LogReader(cluster, { topic, ...readingOfRange() });
  const left = new Map([...ends].map(([partition, { offset }]) => [partition, offset]));
  for (const [partition, end] of left) {
    if (end === 0) left.delete(partition);
    else reader.set(partition, 0);
  }
  const byAddress = new Map<string, string>();
  if (left.size > 0) {
    for await (const { partition, records, nextOffset } of reader.read(signal)) {
      for (const { key, value } of records) {
        if (value !== null) byAddress.set(String(key), outcomeOf(value));
      }
      if (nextOffset < (left.get(partition) ?? 0)) continue;
      reader.remove(partition);
      left.delete(partition);
      if (left.size === 0) break;
    }
  }
  const counts = new Map<string, number>();
  for (const outcome of byAddress.values()) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}

function outcomeOf(value: Buffer): string {
  const { status, error } = JSON.parse(value.toString()) as CrawlResult;
  return status > 0 ? `HTTP ${status}` : (error ?? 'no answer');
}
