// A web site of some hosts on the loopback, to crawl without a network: pages that link here and there, the same page
// under several addresses, redirects, errors, slow pages, a robots.txt, and a calendar without end.

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SiteOptions {
  readonly hosts: number;
  readonly pagesPerHost: number;
  /** What a page takes, in ms. */
  readonly latencyMs: number;
}

export interface Site {
  /** Of each host, `127.0.0.1:port`. */
  readonly hosts: readonly string[];
  /** Where a crawl begins. */
  readonly start: string;
  /** Requests so far. */
  readonly requests: number;
  close(): Promise<void>;
}

const words = 'log offset batch record page link host queue work result crawl fetch store'.split(
  ' ',
);

/** Starts the servers, each on a free port. */
export async function startSite(options: SiteOptions): Promise<Site> {
  const servers: Server[] = [];
  const hosts: string[] = [];
  let requests = 0;
  for (let host = 0; host < options.hosts; host++) {
    const server = createServer((request, response) => {
      requests += 1;
      const path = (request.url ?? '/').split('?')[0] ?? '/';
      const place = { host, hosts, options };
      const answer = (): void => respond(response, answerTo(path, place));
      if (path === '/robots.txt') answer();
      else setTimeout(answer, options.latencyMs);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    hosts.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    servers.push(server);
  }
  return {
    hosts,
    start: `http://${hosts[0]}/`,
    get requests() {
      return requests;
    },
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}

interface Place {
  readonly host: number;
  readonly hosts: readonly string[];
  readonly options: SiteOptions;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly location?: string;
}

function answerTo(path: string, place: Place): Answer {
  const { pagesPerHost } = place.options;
  if (path === '/robots.txt') {
    return { status: 200, body: 'User-agent: *\nDisallow: /private/\n', type: 'text/plain' };
  }
  if (path === '/picture.png') return { status: 200, body: 'not really', type: 'image/png' };
  const page = path === '/' ? 0 : Number(/^\/page-(\d+)$/.exec(path)?.[1] ?? -1);
  if (page >= 0 && page < pagesPerHost) return { status: 200, body: pageOf(page, place) };
  const old = /^\/old-(\d+)$/.exec(path)?.[1];
  if (old !== undefined) return { status: 301, body: '', location: `/page-${old}` };
  const day = /^\/calendar\/(\d+)$/.exec(path)?.[1];
  if (day === undefined) return { status: 404, body: '<title>Not found</title>' };
  const next = `<a href="/calendar/${Number(day) + 1}">tomorrow</a>`;
  return { status: 200, body: `<title>Day ${day}</title>${next}` };
}

function respond(response: ServerResponse, { status, body, type, location }: Answer): void {
  response.writeHead(status, {
    'content-type': `${type ?? 'text/html'}; charset=utf-8`,
    ...(location !== undefined && { location }),
  });
  response.end(body);
}

/** The same every time: links by the page's number, so that two crawls can be compared. */
function pageOf(page: number, { host, hosts, options }: Place): string {
  const { pagesPerHost } = options;
  const links = [
    `<a href="/page-${(2 * page + 1) % pagesPerHost}">one</a>`,
    `<a href="page-${(2 * page + 2) % pagesPerHost}#part">another</a>`,
    `<a href="http://${hosts[(host + 1) % hosts.length]}/page-${page}">over there</a>`,
    `<a href="/private/${page}">not for robots</a>`,
  ];
  if (page % 5 === 0)
    links.push(`<a href="/old-${page}">moved</a><a href="/gone-${page}">gone</a>`);
  if (page % 7 === 0)
    links.push('<a href="/picture.png">a picture</a><a href="mailto:x@y">mail</a>');
  if (page === 0) links.push('<a href="/calendar/1">calendar</a>');
  const text = Array.from({ length: 60 }, (_, n) => words[(page * 7 + n * 3) % words.length]);
  return `<!doctype html><title>Page ${page} of host ${host}</title>
    <script>ignored()</script><p>${text.join(' ')}</p>${links.join('\n')}`;
}
