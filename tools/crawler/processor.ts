// The processing service: takes pages, keeps what is worth it in the results, and gives found links back as work. Any
// number of them form one group. All it does may be done twice without harm: results are keyed by address, and work
// that came before is not new to its fetcher.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import { ClientError, type Cluster, Consumer, Producer } from '../../src/client/index.ts';
import { isTooLarge } from '../batches/limit.ts';
import { deadLetters, type ReceivedRecord } from '../dlq/index.ts';
import { hostOf, normalAddress } from './address.ts';
import { extract } from './extract.ts';
import { closeAll, serviceOptions } from './service.ts';
import { type CrawlResult, type CrawlSettings, namesOf, type Page } from './types.ts';

const PAGES_AT_ONCE = 16;
/** Links that this process knows to be in the log already; the least use of memory that spares most repeats. */
const SENT_MAX = 200_000;

/** Runs until the signal. Rejects with what the log or the group fails with for good. */
export async function runProcessor(
  cluster: Cluster,
  settings: CrawlSettings,
  service: { readonly id: string; readonly signal: AbortSignal },
): Promise<void> {
  const names = namesOf(settings.name);
  const producer = new Producer(cluster, { key: 'string', value: 'json', createTopics: false });
  const letters = new Producer(cluster, { key: 'buffer', value: 'buffer' });
  const hosts = new Set(settings.hosts);
  const sent = new Set<string>();
  const safely = deadLetters({ producer: letters, group: names.processors, isFault: isPages });
  const consumer = new Consumer(cluster, {
    ...serviceOptions(service),
    topics: [names.pages],
    group: names.processors,
  });
  try {
    await consumer.run(
      safely(async ({ value }: ReceivedRecord & { readonly value: unknown }) => {
        const page = value as Page;
        const { result, found } = processed(page);
        // Links first: a result says that the page is dealt with.
        const work = found
          .map((url) => ({ url, depth: page.depth + (page.location === null ? 1 : 0) }))
          .filter(({ url, depth }) => depth <= settings.depthMax && hosts.has(hostOf(url)))
          .filter(({ url, depth }) => !sent.has(`${depth} ${url}`));
        await producer.sendMany(
          work.map((item) => ({ topic: names.work, key: hostOf(item.url), value: item })),
        );
        if (sent.size > SENT_MAX) sent.clear();
        for (const { url, depth } of work) sent.add(`${depth} ${url}`);
        await producer.send({ topic: names.results, key: page.url, value: result });
      }),
      { concurrency: PAGES_AT_ONCE },
    );
  } finally {
    await closeAll([consumer, producer, letters]);
  }
}

/** Whether the page is to blame: where the log takes nothing, the page stays to be dealt with by who comes next. */
function isPages(error: unknown): boolean {
  if (error instanceof ClientError) return error.code === 'invalid_record';
  return !(error instanceof KafkaError) || isTooLarge(error);
}

/** What is kept of a page, and where it leads. */
export function processed(page: Page): { result: CrawlResult; found: readonly string[] } {
  const { url, depth, status, error, html, location } = page;
  const target = location === null ? null : normalAddress(location, url);
  const { title, text, links } =
    html === null ? { title: null, text: '', links: [] } : extract(html, url);
  const found = target === null ? links : [target];
  return { result: { url, depth, status, title, text, links: found, error }, found };
}
