// The words of the crawler: what goes through its topics, and what it is told.

/** An address to be fetched. The key of its record is the host, so one fetcher has all of a host. */
export interface WorkItem {
  readonly url: string;
  /** Links from where the crawl began. */
  readonly depth: number;
}

/** What a fetcher got. The key of its record is the address. */
export interface Page extends WorkItem {
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number;
  readonly contentType: string | null;
  /** Where a redirect leads. */
  readonly location: string | null;
  /** Null for what is not HTML. */
  readonly html: string | null;
  /** Why there is no page, for people. */
  readonly error: string | null;
}

/** What is known of an address in the end. The key of its record is the address, and the topic is compacted. */
export interface CrawlResult extends WorkItem {
  readonly status: number;
  readonly title: string | null;
  /** The text that people see, cut after some length. */
  readonly text: string;
  /** Addresses, each once, in the order of the page. */
  readonly links: readonly string[];
  readonly error: string | null;
}

export interface CrawlSettings {
  /** Names the topics and groups of this crawl. */
  readonly name: string;
  /** Hosts (`name:port`) that are followed. */
  readonly hosts: readonly string[];
  /** Links are followed up to this depth; 0 is the first pages alone. */
  readonly depthMax: number;
  /** Pages of one host. */
  readonly pagesPerHost: number;
  /** Between two requests to one host, in ms; a longer Crawl-delay of its robots.txt holds. */
  readonly delayMs: number;
  readonly userAgent: string;
  /** For one request, in ms. */
  readonly timeoutMs: number;
}

export const crawlDefaults = {
  depthMax: 5,
  pagesPerHost: 1000,
  delayMs: 1000,
  userAgent: 'tidemark-crawler',
  timeoutMs: 10_000,
} as const;

/** Topics and groups of a crawl. */
export function namesOf(crawl: string) {
  return {
    work: `${crawl}.work`,
    pages: `${crawl}.pages`,
    results: `${crawl}.results`,
    fetchers: `${crawl}.fetchers`,
    processors: `${crawl}.processors`,
  } as const;
}
