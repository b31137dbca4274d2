// Which items of one partition of work are to be fetched: new ones, near enough, not too many of a host. It depends on
// nothing but the items and their order, so whoever takes a partition over reads it from its start and knows the same.

import { hostOf } from './address.ts';
import type { CrawlSettings, WorkItem } from './types.ts';

export class Frontier {
  readonly #settings: Pick<CrawlSettings, 'depthMax' | 'pagesPerHost'>;
  /** The smallest depth at which an address was met. */
  readonly #depths = new Map<string, number>();
  readonly #pages = new Map<string, number>();

  constructor(settings: Pick<CrawlSettings, 'depthMax' | 'pagesPerHost'>) {
    this.#settings = settings;
  }

  /**
   * Whether the item is to be fetched. An address that turns out to be nearer is fetched once more, since its links are
   * nearer, too: so the result does not depend on who was faster.
   */
  offer({ url, depth }: WorkItem): boolean {
    const { depthMax, pagesPerHost } = this.#settings;
    if (depth > depthMax) return false;
    const known = this.#depths.get(url);
    if (known !== undefined && known <= depth) return false;
    if (known === undefined) {
      const host = hostOf(url);
      const pages = this.#pages.get(host) ?? 0;
      if (pages >= pagesPerHost) return false;
      this.#pages.set(host, pages + 1);
    }
    this.#depths.set(url, depth);
    return true;
  }
}
