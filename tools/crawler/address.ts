// Addresses in one form, so that each page has one.

/** Null for what is no address of HTTP. Fragments, default ports and user names go; `base` is where a link stands. */
export function normalAddress(address: string, base?: string): string | null {
  if (!URL.canParse(address, base)) return null;
  const url = new URL(address, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  url.hash = '';
  url.username = '';
  url.password = '';
  url.searchParams.sort();
  return url.href;
}

/** Name and port, as `CrawlSettings.hosts` has them. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
