// What a connection has answered and its peer has not taken yet: counted, bounded by who asks `unsentBytes`, and
// given back when it is sent or the connection is gone.

import { Fifo } from '../base/fifo.ts';
import { isFileRegion } from '../base/payload.ts';
import type { Chunk } from '../protocol/index.ts';
import type { MemoryGate } from './memory-gate.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { PeerSocket } from './socket.ts';

/** Lets go of the files of an answer that will not be sent. */
export function releaseChunks(chunks: readonly Chunk[] | null): void {
  for (const chunk of chunks ?? []) if (isFileRegion(chunk)) chunk.release();
}

export class AnswerSender {
  readonly #socket: PeerSocket;
  readonly #gate: MemoryGate;
  readonly #metrics: BrokerMetrics;
  readonly #onSent: () => void;
  /** Of each answer on its way, in order: its bytes, and what of them is in memory. */
  readonly #sizes = new Fifo<number>();
  #unsentBytes = 0;
  /** Of these, what is in memory; the rest are regions of files. */
  #heldBytes = 0;
  #progress = 0;
  #takenMs = Number.NEGATIVE_INFINITY;
  #gone = false;

  /** `onSent` is called after each answer that was sent. */
  constructor(
    socket: PeerSocket,
    services: { readonly gate: MemoryGate; readonly metrics: BrokerMetrics },
    onSent: () => void,
  ) {
    this.#socket = socket;
    this.#gate = services.gate;
    this.#metrics = services.metrics;
    this.#onSent = onSent;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Of these, what is in memory. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** When the peer was last seen to take something: since the last call, that is `nowMs`. */
  lastTakenMs(nowMs: number): number {
    const { progress } = this.#socket;
    if (progress !== this.#progress) this.#takenMs = nowMs;
    this.#progress = progress;
    return this.#takenMs;
  }

  send(chunks: readonly Chunk[]): void {
    if (this.#gone) {
      releaseChunks(chunks);
      return;
    }
    let bytes = 0;
    let held = 0;
    for (const chunk of chunks) {
      bytes += chunk.byteLength;
      if (!isFileRegion(chunk)) held += chunk.byteLength;
    }
    this.#metrics.bytesOut += bytes;
    this.#gate.take(held);
    this.#unsentBytes += bytes;
    this.#heldBytes += held;
    this.#sizes.push(bytes);
    this.#sizes.push(held);
    this.#socket.write(chunks, this.#sent);
  }

  /** The first of the answers on their way was sent. */
  readonly #sent = (): void => {
    // After the close, everything unsent has been given back at once.
    if (this.#gone) return;
    const bytes = this.#sizes.shift() ?? 0;
    const held = this.#sizes.shift() ?? 0;
    this.#unsentBytes -= bytes;
    this.#heldBytes -= held;
    this.#gate.give(held);
    this.#onSent();
  };

  /** The connection is gone. */
  end(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#gate.give(this.#heldBytes);
    this.#unsentBytes = 0;
    this.#heldBytes = 0;
  }
}
