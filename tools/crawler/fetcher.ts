// The fetching service: takes work, and writes pages to the log. Any number of them form one group; a host belongs to
// one partition and so to one of them, which asks it one page at a time.

import {
  type Cluster,
  Consumer,
  committedOffsets,
  LogReader,
  Producer,
} from '../../src/client/index.ts';
import { isTooLarge } from '../batches/limit.ts';
import { fetchPage } from './fetch-page.ts';
import { Frontier } from './frontier.ts';
import { Robots } from './robots.ts';
import { closeAll, serviceOptions } from './service.ts';
import { type CrawlSettings, namesOf, type Page, type WorkItem } from './types.ts';

/** Hosts that one fetcher asks at the same time. */
const HOSTS_AT_ONCE = 16;

/** Runs until the signal. Rejects with what the log or the group fails with for good. */
export async function runFetcher(
  cluster: Cluster,
  settings: CrawlSettings,
  service: { readonly id: string; readonly signal: AbortSignal },
): Promise<void> {
  const names = namesOf(settings.name);
  const producer = new Producer(cluster, { key: 'string', value: 'json', createTopics: false });
  const robots = new Robots(settings);
  const frontiers = new Map<number, Frontier>();
  const nextMs = new Map<string, number>();
  const consumer = new Consumer(cluster, {
    ...serviceOptions(service),
    topics: [names.work],
    group: names.fetchers,
    async onAssigned(places) {
      for (const { partition } of places) {
        frontiers.set(partition, await rebuilt(cluster, settings, partition));
      }
    },
  });
  try {
    await consumer.run(
      async ({ key, value, partition }) => {
        const item = value as WorkItem | null;
        if (item === null || !frontiers.get(partition)?.offer(item)) return;
        const rules = await robots.of(item.url);
        const host = key ?? '';
        await until(nextMs.get(host) ?? 0);
        const page = rules.allows(item.url)
          ? await fetchPage(item, settings)
          : refused(item, rules.why);
        nextMs.set(host, Date.now() + Math.max(settings.delayMs, rules.delayMs));
        const send = (value: Page) => producer.send({ topic: names.pages, key: item.url, value });
        await send(page).catch((error: unknown) => {
          if (!isTooLarge(error)) throw error;
          return send({ ...page, html: null, error: 'the page is too large for the log' });
        });
      },
      { concurrency: HOSTS_AT_ONCE },
    );
  } finally {
    await closeAll([consumer, producer]);
  }
}

/** What a partition's last owner knew: everything before what the group has committed. */
async function rebuilt(
  cluster: Cluster,
  settings: CrawlSettings,
  partition: number,
): Promise<Frontier> {
  const { work: topic, fetchers } = namesOf(settings.name);
  const frontier = new Frontier(settings);
  const committed = (await committedOffsets(cluster, fetchers, topic, [partition])).get(partition);
  if (committed === undefined || committed === 0) return frontier;
  const reader = new LogReader(cluster, { topic, maxWaitMs: 10 });
  reader.set(partition, 0);
  for await (const { records, nextOffset } of reader.read()) {
    for (const { offset, value } of records) {
      if (offset >= committed || value === null) continue;
      frontier.offer(JSON.parse(value.toString()) as WorkItem);
    }
    if (nextOffset >= committed) break;
  }
  return frontier;
}

function refused({ url, depth }: WorkItem, error: string): Page {
  return { url, depth, status: 0, contentType: null, location: null, html: null, error };
}

async function until(atMs: number): Promise<void> {
  const waitMs = atMs - Date.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
}
