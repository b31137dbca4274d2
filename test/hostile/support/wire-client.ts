// The barest Kafka client: one connection, typed requests in any version, and raw bytes where a
// test wants them.

import { connect, type Socket } from 'node:net';
import {
  type Api,
  decodeResponse,
  encodeRequest,
  type Fields,
  FrameSplitter,
  type RequestInput,
  type ResponseOf,
} from '../../../src/protocol/index.ts';

export class WireClient {
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(2 ** 30);
  readonly #frames: Buffer[] = [];
  readonly #waiting: ((frame: Buffer | null) => void)[] = [];
  #nextId = 1;
  #ended = false;
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ended = true;
        for (const waiting of this.#waiting.splice(0)) waiting(null);
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.#splitter.push(chunk);
      for (let frame = this.#splitter.next(); frame !== null; frame = this.#splitter.next()) {
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#frames.push(frame);
        else waiting(frame);
      }
    });
  }

  static connect(port: number, host = '127.0.0.1'): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new WireClient(socket));
      });
    });
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends a frame with its right length. */
  writeFrame(body: Buffer): void {
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(body.byteLength);
    this.write(Buffer.concat([prefix, body]));
  }

  /** Reads nothing from now on, so that what the broker sends piles up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends a request and leaves its answer to {@link WireClient.frame}. */
  ask<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    version: number,
    request: RequestInput<Api<Request, Response>>,
  ): void {
    this.write(requestFrame(api, version, request, this.#nextId++));
  }

  /** Says that nothing more will come. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next frame, or null when the connection is closed first. */
  frame(): Promise<Buffer | null> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Sends a request and reads its answer. Throws when the broker closes the connection instead. */
  async call<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    version: number,
    request: RequestInput<Api<Request, Response>>,
  ): Promise<ResponseOf<Api<Request, Response>>> {
    this.write(requestFrame(api, version, request, this.#nextId++));
    const frame = await this.frame();
    if (frame === null) throw new Error(`the broker closed the connection on ${api.name}`);
    return decodeResponse(api, version, frame);
  }
}

/** A whole request frame, with its length prefix. */
export function requestFrame<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  version: number,
  request: RequestInput<Api<Request, Response>>,
  correlationId = 1,
): Buffer {
  const chunks = encodeRequest(api, version, { correlationId, clientId: 'hostile' }, request);
  return Buffer.concat(chunks as Buffer[]);
}
