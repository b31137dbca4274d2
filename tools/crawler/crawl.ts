// A crawl as a whole: its topics, its first work, and how far it is.

import {
  type Cluster,
  committedOffsets,
  createTopics,
  listOffsets,
  Producer,
  SpecialTime,
} from '../../src/client/index.ts';
import { hostOf } from './address.ts';
import { type CrawlSettings, namesOf } from './types.ts';

/** Of a record: what is fetched of a page at most, and what it grows by as JSON. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** Makes the topics that are missing. Throws KafkaError. */
export async function prepareCrawl(
  cluster: Cluster,
  crawl: string,
  partitions: number,
): Promise<void> {
  const { work, pages, results } = namesOf(crawl);
  const made = await createTopics(cluster, [
    { name: work, partitions },
    { name: pages, partitions, configs: { 'max.message.bytes': String(PAGE_BYTES_MAX) } },
    { name: results, partitions, configs: { 'cleanup.policy': 'compact' } },
  ]);
  for (const { error } of made) {
    if (error !== null && error.code !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

/** Gives the first addresses as work; those that the crawl had before are not fetched again. */
export async function seedCrawl(
  cluster: Cluster,
  settings: CrawlSettings,
  addresses: readonly string[],
): Promise<void> {
  const producer = new Producer(cluster, { key: 'string', value: 'json', createTopics: false });
  const { work: topic } = namesOf(settings.name);
  await producer.sendMany(
    addresses.map((url) => ({ topic, key: hostOf(url), value: { url, depth: 0 } })),
  );
  await producer.close();
}

/** Counts of records: written, and dealt with. */
export interface CrawlState {
  readonly work: number;
  readonly workDone: number;
  readonly pages: number;
  readonly pagesDone: number;
}

/** Looks at ends and commits. */
export async function stateOf(cluster: Cluster, crawl: string): Promise<CrawlState> {
  const names = namesOf(crawl);
  // Commits before ends: what is dealt with never looks like more than there is.
  const workDone = await committed(cluster, names.fetchers, names.work);
  const pagesDone = await committed(cluster, names.processors, names.pages);
  const [work, pages] = [await end(cluster, names.work), await end(cluster, names.pages)];
  return { work, workDone, pages, pagesDone };
}

/**
 * Whether nothing is left. A service commits only what it has written the outcome of, so when both topics are dealt
 * with to their ends, and nothing moved between two looks, nobody holds anything.
 */
export function isFinished(before: CrawlState | null, now: CrawlState): boolean {
  const { work, workDone, pages, pagesDone } = now;
  const still = before !== null && before.work === work && before.pages === pages;
  return still && work > 0 && workDone === work && pagesDone === pages;
}

async function partitionsOf(cluster: Cluster, topic: string): Promise<number[]> {
  return (await cluster.topic(topic, { create: false })).partitions.map((one) => one.partition);
}

async function committed(cluster: Cluster, group: string, topic: string): Promise<number> {
  const partitions = await partitionsOf(cluster, topic);
  const offsets = await committedOffsets(cluster, group, topic, partitions);
  return [...offsets.values()].reduce((sum, offset) => sum + offset, 0);
}

async function end(cluster: Cluster, topic: string): Promise<number> {
  const partitions = await partitionsOf(cluster, topic);
  const found = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  return [...found.values()].reduce((sum, { offset }) => sum + offset, 0);
}
