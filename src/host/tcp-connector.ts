// Outgoing TCP connections: node:net behind the client's Connector port.

import { connect, type Socket } from 'node:net';
import { TidemarkError } from '../base/errors.ts';
import type { ByteStream, ByteStreamHandler, Connector } from '../client/index.ts';

class SocketStream implements ByteStream {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
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

/** Plain TCP. `localhost` tries IPv6 and IPv4 in turn (Node's happy eyeballs). */
export const tcpConnector: Connector = {
  connect(target, handler: ByteStreamHandler) {
    return new Promise((resolve, reject) => {
      const { host, port, timeoutMs } = target;
      const onread = {
        buffer: (): Buffer => handler.readBuffer(),
        callback: (length: number): boolean => {
          handler.onRead(length);
          return true;
        },
      };
      const socket = connect({ host, port, noDelay: true, keepAlive: true, onread });
      let failure: Error | null = null;
      const timer = setTimeout(
        () => socket.destroy(new ConnectTimeoutError(host, port, timeoutMs)),
        timeoutMs,
      );
      socket.on('error', (cause) => {
        failure = cause;
      });
      socket.once('connect', () => {
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
  },
};
