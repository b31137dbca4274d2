// Outgoing connections, plain or with TLS: node:net and node:tls behind the client's Connector port.

import { connect, isIP, type Socket } from 'node:net';
import { TidemarkError } from '../base/errors.ts';
import type { ByteStream, ByteStreamHandler, Connector } from '../client/index.ts';
import { tlsModule } from './node-tls.ts';

/** Up to so many bytes it is cheaper to join chunks than to hand the system a list of them. */
const JOINED_BYTES_MAX = 16 * 1024;

class SocketStream implements ByteStream {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const [first] = chunks;
    if (chunks.length === 1 && first !== undefined) {
      socket.write(first);
      return;
    }
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    if (length <= JOINED_BYTES_MAX) {
      socket.write(Buffer.concat(chunks, length));
      return;
    }
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.uncork();
  }

  pendingBytes(): number {
    return this.#socket.writableLength;
  }

  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      // An empty write is called back after all before it, and also when the socket is destroyed.
      socket.write(Buffer.alloc(0), () => resolve());
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** No connection came about in time. */
export class ConnectTimeoutError extends TidemarkError<'ETIMEDOUT'> {
  constructor(host: string, port: number, timeoutMs: number) {
    super('ETIMEDOUT', `no answer from ${host}:${port} within ${timeoutMs} ms`);
  }
}

/** How brokers are checked, and what we show them; PEM texts. */
export interface ClientTls {
  /** Authorities that brokers' certificates are signed by. Default: those that Node knows. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** Our certificate, for brokers that ask for one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  /** The name to ask for (SNI) and to check. Default: the host that is connected to. */
  readonly servername?: string;
  /** False lets in brokers that cannot prove who they are: for trials only. */
  readonly rejectUnauthorized?: boolean;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Resolves once `ready` happens on the socket. */
function established(socket: Socket, ready: string, target: Target, handler: ByteStreamHandler) {
  return new Promise<ByteStream>((resolve, reject) => {
    const { host, port, timeoutMs } = target;
    let failure: Error | null = null;
    const timer = setTimeout(
      () => socket.destroy(new ConnectTimeoutError(host, port, timeoutMs)),
      timeoutMs,
    );
    socket.on('error', (cause) => {
      failure = cause;
    });
    socket.once(ready, () => {
      clearTimeout(timer);
      socket.on('close', () => handler.onClose(failure));
      resolve(new SocketStream(socket));
    });
    socket.once('close', () => {
      clearTimeout(timer);
      // After a connection this changes nothing; before one it is the only way out.
      reject(failure ?? new Error(`the connection to ${host}:${port} was closed at once`));
    });
  });
}

/** Plain TCP. `localhost` tries IPv6 and IPv4 in turn (Node's happy eyeballs). */
export const tcpConnector: Connector = {
  copies: true,
  connect(target, handler) {
    const { host, port } = target;
    const onread = {
      buffer: (): Buffer => handler.readBuffer(),
      callback: (length: number): boolean => {
        handler.onRead(length);
        return true;
      },
    };
    const socket = connect({ host, port, noDelay: true, keepAlive: true, onread });
    return established(socket, 'connect', target, handler);
  },
};

/** TLS over TCP. */
export function tlsConnector(tls: ClientTls): Connector {
  const { ca, ...rest } = tls;
  const authorities = ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : ca };
  return {
    secure: true,
    copies: true,
    connect(target, handler) {
      const { host, port } = target;
      // A name is asked for; an address cannot be (RFC 6066), but is checked all the same.
      const named = isIP(host) === 0 ? { servername: host } : {};
      const socket = tlsModule().connect({
        host,
        port,
        ...named,
        ...rest,
        ...(authorities as { ca?: Buffer }),
      });
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
      const opened = established(socket, 'secureConnect', target, handler);
      socket.on('data', (chunk: Buffer) => {
        for (let position = 0; position < chunk.byteLength; ) {
          const length = chunk.copy(handler.readBuffer(), 0, position);
          handler.onRead(length);
          position += length;
        }
      });
      return opened;
    },
  };
}
