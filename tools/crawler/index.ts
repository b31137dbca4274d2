// The worked example of the whole: a crawler of fetching and processing services that share nothing but a log.

export { hostOf, normalAddress } from './address.ts';
export { type CrawlState, isFinished, prepareCrawl, seedCrawl, stateOf } from './crawl.ts';
export { extract } from './extract.ts';
export { runFetcher } from './fetcher.ts';
export { Frontier } from './frontier.ts';
export { outcomesOf } from './outcomes.ts';
export { processed, runProcessor } from './processor.ts';
export { type Site, startSite } from './site.ts';
export {
  type CrawlResult,
  type CrawlSettings,
  crawlDefaults,
  namesOf,
  type Page,
  type WorkItem,
} from './types.ts';
