// A peer in memory: what a test sends arrives at once, what the broker sends is kept.

import { isFileRegion } from '../../../../src/base/payload.ts';
import type { PeerHandler, PeerSocket } from '../../../../src/broker/socket.ts';
import {
  type Api,
  type Chunk,
  decodeResponse,
  encodeRequest,
  FrameSplitter,
  peekCorrelationId,
} from '../../../../src/protocol/index.ts';

export class FakeSocket implements PeerSocket {
  readonly remoteHost: string;
  readonly remotePort = 5555;
  readonly localHost = '10.0.0.1';
  readonly localPort = 9092;
  readonly sendsRegions = false;
  handler: PeerHandler | undefined;
  paused = false;
  /** `end`: closed after sending; `destroy`: closed at once. */
  closedBy: 'end' | 'destroy' | null = null;
  /** When set, nothing is taken by the peer until `drain`. */
  slow = false;
  /** Regions of files may be written to it; zeros stand for them. */
  takesRegions = false;
  progress = 0;
  readonly #sent: Buffer[] = [];
  readonly #unsent: (() => void)[] = [];

  constructor(remoteHost = '10.0.0.9') {
    this.remoteHost = remoteHost;
  }

  write(chunks: readonly Chunk[], sent: () => void): void {
    for (const chunk of chunks) {
      const region = isFileRegion(chunk);
      if (region && !this.takesRegions) throw new Error('regions are not sent here');
      this.#sent.push(region ? Buffer.alloc(chunk.byteLength) : Buffer.from(chunk));
    }
    if (this.slow) this.#unsent.push(sent);
    else sent();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.#close('end');
  }

  destroy(): void {
    this.#close('destroy');
  }

  drain(): void {
    this.slow = false;
    for (const sent of this.#unsent.splice(0)) sent();
  }

  send(bytes: Buffer): void {
    const handler = this.handler;
    if (handler === undefined) return;
    for (let position = 0; position < bytes.byteLength; ) {
      const length = bytes.copy(handler.readBuffer(), 0, position);
      handler.onRead(length);
      position += length;
    }
  }

  request(api: Api, version: number, correlationId: number, request: object): void {
    const identity = { correlationId, clientId: 'test' };
    this.send(Buffer.concat(encodeRequest(api, version, identity, request as never) as Buffer[]));
  }

  /** Frames that the broker has sent so far. */
  frames(): Buffer[] {
    const splitter = new FrameSplitter(2 ** 30);
    for (const chunk of this.#sent) splitter.push(chunk);
    const all: Buffer[] = [];
    for (let frame = splitter.next(); frame !== null; frame = splitter.next()) all.push(frame);
    return all;
  }

  correlationIds(): number[] {
    return this.frames().map(peekCorrelationId);
  }

  response(index: number, api: Api, version: number): Record<string, unknown> {
    const frame = this.frames()[index];
    if (frame === undefined) throw new Error(`there is no answer ${index}`);
    return decodeResponse(api, version, frame) as Record<string, unknown>;
  }

  #close(by: 'end' | 'destroy'): void {
    if (this.closedBy !== null) return;
    this.closedBy = by;
    queueMicrotask(() => this.handler?.onClose());
  }
}
