// From HTML to what is worth keeping: title, text, links.

import { Parser } from 'htmlparser2';
import { normalAddress } from './address.ts';

export interface Extracted {
  readonly title: string | null;
  readonly text: string;
  readonly links: readonly string[];
}

const TEXT_MAX = 20_000;
const LINKS_MAX = 2_000;
const UNSEEN = new Set(['script', 'style', 'noscript', 'template', 'svg']);

/** Never throws: HTML that is broken gives what can be read of it. */
export function extract(html: string, url: string): Extracted {
  let title = '';
  let text = '';
  let base = url;
  let unseen = 0;
  let inTitle = false;
  const links = new Set<string>();
  const parser = new Parser({
    onopentag(name, attributes) {
      if (UNSEEN.has(name)) unseen += 1;
      if (name === 'title') inTitle = true;
      const { href, rel } = attributes;
      if (href === undefined) return;
      if (name === 'base') base = normalAddress(href, url) ?? base;
      if (name !== 'a' || links.size >= LINKS_MAX || rel?.split(' ').includes('nofollow')) return;
      const link = normalAddress(href, base);
      if (link !== null) links.add(link);
    },
    ontext(part) {
      if (inTitle) title += part;
      else if (unseen === 0 && text.length < TEXT_MAX) text += part;
    },
    onclosetag(name) {
      if (UNSEEN.has(name)) unseen -= 1;
      if (name === 'title') inTitle = false;
    },
  });
  parser.end(html);
  return {
    title: title === '' ? null : squeezed(title),
    text: squeezed(text).slice(0, TEXT_MAX),
    links: [...links],
  };
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
