import { describe, expect, test } from 'vitest';
import {
  extract,
  Frontier,
  isFinished,
  normalAddress,
  processed,
  startSite,
} from '../../../tools/crawler/index.ts';
import { Robots } from '../../../tools/crawler/robots.ts';
import { crawlDefaults } from '../../../tools/crawler/types.ts';

const settings = { name: 'c', hosts: ['a.test'], ...crawlDefaults };

describe('addresses', () => {
  test.each([
    ['http://a.test', undefined, 'http://a.test/'],
    ['http://A.test:80/x#part', undefined, 'http://a.test/x'],
    ['../y?b=2&a=1', 'http://a.test/x/z', 'http://a.test/y?a=1&b=2'],
    ['https://me:secret@a.test/', undefined, 'https://a.test/'],
    ['mailto:x@y', 'http://a.test/', null],
    ['javascript:alert(1)', 'http://a.test/', null],
    ['http://', undefined, null],
  ])('%j on %j is %j', (address, base, wanted) => {
    expect(normalAddress(address, base)).toBe(wanted);
  });
});

describe('the frontier', () => {
  test('takes each address once, and again when it turns out to be nearer', () => {
    const frontier = new Frontier({ depthMax: 3, pagesPerHost: 10 });
    const url = 'http://a.test/x';
    const offers = [3, 3, 4, 2, 3, 2, 0].map((depth) => frontier.offer({ url, depth }));
    expect(offers).toEqual([true, false, false, true, false, false, true]);
  });

  test('takes so many of a host', () => {
    const frontier = new Frontier({ depthMax: 3, pagesPerHost: 2 });
    const offers = ['a.test/1', 'a.test/2', 'a.test/3', 'b.test/1', 'a.test/1'].map((at) =>
      frontier.offer({ url: `http://${at}`, depth: 1 }),
    );
    expect(offers).toEqual([true, true, false, true, false]);
  });
});

describe('extracting', () => {
  test('title, text and links of a page that is not well', () => {
    const html = `<title> A &amp; B\n</title><base href="/sub/"><script>no</script>
      <p>Some <b>text<a href=one#x>One</a><a href="/two" rel="x nofollow">two</a>
      <a href='one'>again</a><a href="mailto:x">mail</a><a>none</a>`;
    expect(extract(html, 'http://a.test/x')).toEqual({
      title: 'A & B',
      text: 'Some textOnetwo againmailnone',
      links: ['http://a.test/sub/one'],
    });
  });

  test('a redirect is a link, an error has none', () => {
    const page = { url: 'http://a.test/', depth: 1, contentType: null, html: null, error: null };
    expect(processed({ ...page, status: 301, location: '/x' }).found).toEqual(['http://a.test/x']);
    const gone = processed({ ...page, status: 404, location: null, error: 'gone' });
    expect(gone).toMatchObject({ found: [], result: { status: 404, error: 'gone', text: '' } });
  });
});

test('robots.txt is followed; a host that does not answer allows nothing', async () => {
  const site = await startSite({ hosts: 1, pagesPerHost: 3, latencyMs: 0 });
  const robots = new Robots(settings);
  const rules = await robots.of(site.start);
  expect([rules.allows(`${site.start}page-1`), rules.allows(`${site.start}private/1`)]).toEqual([
    true,
    false,
  ]);
  await robots.of(`${site.start}page-2`);
  expect(site.requests).toBe(1);
  await site.close();
  const nobody = await new Robots(settings).of(site.start);
  expect(nobody.allows(site.start)).toBe(false);
});

test('a crawl is finished when both topics are dealt with and nothing moved', () => {
  const state = { work: 5, workDone: 5, pages: 4, pagesDone: 4 };
  expect(isFinished(null, state)).toBe(false);
  expect(isFinished(state, state)).toBe(true);
  expect(isFinished({ ...state, work: 4 }, state)).toBe(false);
  expect(isFinished(state, { ...state, pagesDone: 3 })).toBe(false);
});
