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
  const status = !found ? 404 : allowed ? 200 : 405;
  const body = status !== 200 ? '' : path === '/metrics' ? text() : 'ok\n';
  const type = path === '/metrics' ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain';
  response.writeHead(status, { 'content-type': type });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Starts the server. Throws {@link ListenError}. */
export function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => answer(request, response, options.text));
    server.once('error', (cause) => reject(new ListenError({ host, port }, cause)));
    server.listen({ host, port }, () => {
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
