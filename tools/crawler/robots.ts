// What robots.txt of each host allows (RFC 9309): without one everything, while the server is broken nothing.

import type { CrawlSettings } from './types.ts';

const KEPT_MS = 3_600_000;
const BODY_MAX = 500 * 1024;

interface Rules {
  allows(url: string): boolean;
  /** Why a page is not allowed, for people. */
  readonly why: string;
  readonly delayMs: number;
}

interface RobotsFile {
  isAllowed(url: string, userAgent?: string): boolean | undefined;
  getCrawlDelay(userAgent?: string): number | undefined;
}

/** Rules by host, asked for once an hour. */
export class Robots {
  readonly #settings: CrawlSettings;
  readonly #rules = new Map<string, { readonly rules: Promise<Rules>; readonly untilMs: number }>();

  constructor(settings: CrawlSettings) {
    this.#settings = settings;
  }

  of(url: string): Promise<Rules> {
    const { origin } = new URL(url);
    const known = this.#rules.get(origin);
    if (known !== undefined && known.untilMs > Date.now()) return known.rules;
    const rules = this.#ask(`${origin}/robots.txt`);
    this.#rules.set(origin, { rules, untilMs: Date.now() + KEPT_MS });
    // A host that did not answer is asked again with the next page.
    rules.then(
      ({ delayMs }) => {
        if (delayMs < 0) this.#rules.delete(origin);
      },
      () => this.#rules.delete(origin),
    );
    return rules;
  }

  async #ask(address: string): Promise<Rules> {
    const { userAgent, timeoutMs } = this.#settings;
    const nothing = (why: string): Rules => {
      return { allows: () => false, why: `robots.txt cannot be read: ${why}`, delayMs: -1 };
    };
    const why = 'robots.txt does not allow it';
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(address, { headers: { 'user-agent': userAgent }, signal });
      const text = (await response.text()).slice(0, BODY_MAX);
      if (response.status >= 500) return nothing(`HTTP ${response.status}`);
      if (!response.ok) return { allows: () => true, why, delayMs: 0 };
      const file = await parse(address, text);
      return {
        allows: (url) => file.isAllowed(url, userAgent) ?? true,
        why,
        delayMs: 1000 * (file.getCrawlDelay(userAgent) ?? 0),
      };
    } catch (error) {
      const { cause, message } = error as Error;
      return nothing(cause instanceof Error && cause.message !== '' ? cause.message : message);
    }
  }
}

async function parse(address: string, text: string): Promise<RobotsFile> {
  // A CommonJS module, whose types say otherwise.
  const loaded: unknown = (await import('robots-parser')).default;
  const make = loaded as (url: string, text: string) => RobotsFile;
  return make(address, text);
}
