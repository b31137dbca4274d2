// `/metrics` and `/healthz` over plain HTTP, for scrapers and supervisors. Loaded only when asked
// for.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ListenError, type TcpAddress } from './tcp-server.ts';

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The body of `/metrics`. */
  readonly text: () => string;
}

export interface MetricsServer {
  readonly address: TcpAddress;
  close(): Promise<void>;
}

function answer(request: IncomingMessage, response: ServerResponse, text: () => string): void {
  const path = request.url?.split('?', 1)[0];
  const found = path === '/metrics' || path === '/healthz';
  const allowed = request.method === 'GET' || request.method === 'HEAD';
  let status = !found ? 404 : allowed ? 200 : 405;
  let body = '';
  try {
    if (status === 200) body = path === '/metrics' ? text() : 'ok\n';
  } catch (error) {
    // A scrape that fails is the scraper's to tell; the broker goes on.
    status = 500;
    body = `${String(error)}\n`;
  }
  const type = path === '/metrics' ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain';
  response.writeHead(status, { 'content-type': type });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Starts the server. Throws {@link ListenError}. */
export function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => answer(request, response, options.text));
    const failed = (cause: Error): void => reject(new ListenError({ host, port }, cause));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      // After this only a failed accept can come here: the next scrape may have better luck.
      server.on('error', () => {});
      const bound = server.address() as AddressInfo;
      resolve({
        address: { host: bound.address, port: bound.port },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
