// One page from the network, with limits of time and size.

import type { CrawlSettings, Page, WorkItem } from './types.ts';

const BODY_BYTES_MAX = 2 * 1024 * 1024;
const ATTEMPTS = 3;
const BACKOFF_MS = 250;

/** Never rejects: what went wrong is in the page. Busy and broken servers are asked again. */
export async function fetchPage(item: WorkItem, settings: CrawlSettings): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    const page = await fetchOnce(item, settings);
    const passing = page.status === 0 || page.status === 429 || page.status >= 500;
    if (!passing || attempt === ATTEMPTS) return page;
    await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** (attempt - 1)));
  }
}

async function fetchOnce(item: WorkItem, settings: CrawlSettings): Promise<Page> {
  const { url, depth } = item;
  const empty = { url, depth, status: 0, contentType: null, location: null, html: null };
  try {
    const response = await fetch(url, {
      // Where it leads is a link like others: its host may be another's.
      redirect: 'manual',
      headers: { 'user-agent': settings.userAgent, accept: 'text/html' },
      signal: AbortSignal.timeout(settings.timeoutMs),
    });
    const { status, headers } = response;
    const contentType = headers.get('content-type');
    const isHtml = status === 200 && /^(text\/html|application\/xhtml)/.test(contentType ?? '');
    const html = isHtml ? await bodyOf(response) : null;
    if (!isHtml) await response.body?.cancel();
    const error = status >= 400 ? `the server answered ${status}` : null;
    return { url, depth, status, contentType, location: headers.get('location'), html, error };
  } catch (cause) {
    return { ...empty, error: reasonOf(cause) };
  }
}

/** The first two megabytes. */
async function bodyOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (response.body === null) return '';
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= BODY_BYTES_MAX) break;
  }
  return Buffer.concat(parts).subarray(0, BODY_BYTES_MAX).toString();
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
