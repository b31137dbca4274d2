// One connection: bytes in, requests to their handlers, answers out in the order of the requests.
//
// Requests of a connection run one after the other, as Kafka's do, except that Produce requests overlap: what waits for
// a sync of the disk does not keep the next batch from being appended. Everything that could pile up is bounded:
// - requests that wait: reading stops as soon as one has to wait, so at most one read's worth is queued
// - a peer that does not read: no request starts while an answer is unsent beyond UNSENT_MAX
// - all connections together: the memory gate; beyond it one connection at a time finishes the frame it has begun,
//   others stop reading

import { Fifo } from '../base/fifo.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { Clock, Logger } from '../base/ports.ts';
import {
  ApiVersions,
  type Chunk,
  decodeRequest,
  decodeRequestHeader,
  encodeResponse,
  peekRequestStart,
  Reader,
  type RequestStart,
} from '../protocol/index.ts';
import type { AnswerRoom } from './answer-room.ts';
import { AnswerSender, releaseChunks } from './answer-sender.ts';
import { dropAnswer } from './dropped-answer.ts';
import type { FrameMemory } from './frame-memory.ts';
import { FrameError, FrameReader } from './frame-reader.ts';
import { GoneWaiters } from './gone-waiters.ts';
import { type Handler, type RequestContext, type Session, servesVersion } from './handler.ts';
import { type MemoryGate, UploadTurn } from './memory-gate.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { Router } from './router.ts';
import type { Endpoint } from './services.ts';
import { openSlot, type Slot } from './slot.ts';
import type { PeerHandler, PeerSocket } from './socket.ts';
import { Turn } from './turn.ts';

/** Unsent bytes of answers beyond which no further request is started. */
const UNSENT_MAX = 256 * 1024;
/** Produce requests of one connection at work at the same time, and their bytes. */
const OVERLAP_MAX = 64;
const OVERLAP_BYTES_MAX = 32 * 1024 * 1024;

/** What all connections share. */
export interface ConnectionServices {
  readonly router: Router;
  readonly metrics: BrokerMetrics;
  readonly gate: MemoryGate;
  readonly frames: FrameMemory;
  readonly answerRoom: AnswerRoom;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `socket.request.max.bytes`. */
  readonly requestBytesMax: number;
  /** Whether appends waiting for the disk leave room for more; else calls back when there is room. */
  mayProduce(resume: () => void): boolean;
}

type CloseCause = 'size' | 'header' | 'body' | 'version';

export class Connection implements PeerHandler, Session {
  readonly id: number;
  readonly clientHost: string;
  readonly endpoint: Endpoint;
  readonly sendsRegions: boolean;
  clientSoftwareName = '';
  clientSoftwareVersion = '';
  /** Monotonic time of the last byte read or answer sent. */
  lastActiveMs: number;
  readonly #socket: PeerSocket;
  readonly #services: ConnectionServices;
  readonly #frames: FrameReader;
  readonly #upload: UploadTurn;
  readonly #sender: AnswerSender;
  readonly #onClosed: (connection: Connection) => void;
  readonly #gone = new GoneWaiters();
  readonly #waiting = new Fifo<Buffer>();
  readonly #slots = new Fifo<Slot>();
  #slotBytes = 0;
  #partialBytes = 0;
  #paused = false;
  /** The peer will send no more, or shall not: what is in flight is finished, then the connection ends. */
  #ending = false;
  #closed = false;
  #inPump = false;
  readonly #resume = (): void => this.#pump();
  readonly #turn: Turn;

  constructor(
    id: number,
    socket: PeerSocket,
    endpoint: Endpoint,
    services: ConnectionServices,
    onClosed: (connection: Connection) => void,
  ) {
    this.id = id;
    this.#socket = socket;
    this.#services = services;
    this.#onClosed = onClosed;
    this.clientHost = `/${socket.remoteHost}`;
    this.sendsRegions = socket.sendsRegions;
    this.endpoint = endpoint;
    this.lastActiveMs = services.clock.monotonic();
    this.#sender = new AnswerSender(socket, services, () => {
      this.lastActiveMs = services.clock.monotonic();
      this.#pump();
    });
    this.#turn = new Turn(services.clock, this.#resume);
    this.#upload = new UploadTurn(services.gate, services.clock, this.#resume);
    const { requestBytesMax, frames } = services;
    this.#frames = new FrameReader(requestBytesMax, (frame) => this.#take(frame), frames);
  }

  /** Whether nothing is at work or on its way out. */
  get quiet(): boolean {
    return this.#slots.length === 0 && this.#waiting.length === 0 && this.#sender.unsentBytes === 0;
  }

  /** Whether the peer owes us something: the rest of a frame, or to read what we sent. */
  get stuck(): boolean {
    return this.#frames.midFrame || this.#sender.unsentBytes > 0;
  }

  /** Memory counted at the gate that the peer frees by going on. */
  get heldBytes(): number {
    let bytes = this.#partialBytes + this.#sender.heldBytes;
    for (const frame of this.#waiting) bytes += frame.byteLength;
    return bytes;
  }

  /** When the peer was last seen to take a part of an answer: since the last call, that is `nowMs`. */
  lastTakenMs(nowMs: number): number {
    return this.#sender.lastTakenMs(nowMs);
  }

  /** Since when it alone may finish its frame beyond the memory limit; null for all others. */
  get finishingSinceMs(): number | null {
    return this.#upload.sinceMs;
  }

  readBuffer(): Buffer {
    return this.#frames.readBuffer();
  }

  onRead(length: number): void {
    if (this.#closed || this.#ending) return;
    const { metrics, clock, logger } = this.#services;
    metrics.bytesIn += length;
    this.lastActiveMs = clock.monotonic();
    this.#turn.begin(this.lastActiveMs);
    try {
      this.#frames.advance(length);
      this.#countPartial();
      this.#pump();
    } catch (error) {
      if (error instanceof FrameError) {
        this.#refuse('size', error);
        return;
      }
      // A fault of ours ends this connection, never the process.
      logger.error({ client: this.clientHost, error }, 'closing a connection: unexpected failure');
      this.destroy();
    }
  }

  onEnd(): void {
    this.finish();
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending = true;
    const { gate } = this.#services;
    this.#upload.end();
    this.#sender.end();
    for (const slot of this.#slots) releaseChunks(slot.chunks);
    gate.give(this.#partialBytes);
    this.#partialBytes = 0;
    this.#dropWaiting();
    this.#gone.tell();
    this.#onClosed(this);
  }

  onGone(callback: () => void): () => void {
    return this.#gone.add(callback);
  }

  disconnect(reason: string): void {
    this.#services.logger.info({ client: this.clientHost, reason }, 'closing a connection');
    this.destroy();
  }

  /** Reads no more, answers what has come in (long polls with what they have), then closes. */
  finish(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#socket.pause();
    this.#gone.tell();
    this.#pump();
  }

  /** Closes at once: what has come and was not begun is not begun any more. */
  destroy(): void {
    this.#ending = true;
    this.#dropWaiting();
    this.#socket.destroy();
  }

  #dropWaiting(): void {
    const { gate } = this.#services;
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      gate.give(frame.byteLength);
    }
  }

  #take(frame: Buffer): void {
    this.#services.gate.take(frame.byteLength);
    this.#waiting.push(frame);
    this.#upload.frameDone();
  }

  #countPartial(): void {
    const held = this.#frames.heldBytes;
    if (held === this.#partialBytes) return;
    const { gate } = this.#services;
    if (held > this.#partialBytes) gate.take(held - this.#partialBytes);
    else gate.give(this.#partialBytes - held);
    this.#partialBytes = held;
  }

  /** Starts what may start, then decides whether to read on. */
  #pump(): void {
    if (this.#inPump) return;
    this.#inPump = true;
    try {
      while (!this.#closed && this.#waiting.length > 0 && this.#mayStart()) {
        if (!this.#turn.mayGoOn()) break;
        const frame = this.#waiting.shift();
        if (frame !== undefined) this.#start(frame);
      }
    } finally {
      this.#inPump = false;
    }
    if (this.#closed) return;
    if (this.#ending) {
      if (this.quiet) this.#socket.end();
      return;
    }
    this.#setPaused(this.#waiting.length > 0 || !this.#upload.mayReadOn(this.#frames.midFrame));
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  #mayStart(): boolean {
    if (this.#sender.unsentBytes > UNSENT_MAX) return false;
    const next = this.#services.router.handler(this.#nextApiKey());
    if (next?.overlaps === true && !this.#services.mayProduce(this.#resume)) return false;
    if (this.#slots.length === 0) return true;
    // All slots are alike: the last one says what the others are.
    return (
      next?.overlaps === true &&
      this.#slots.last?.handler === next &&
      this.#slots.length < OVERLAP_MAX &&
      this.#slotBytes < OVERLAP_BYTES_MAX
    );
  }

  #nextApiKey(): number {
    const frame = this.#waiting.first;
    return frame === undefined || frame.byteLength < 2 ? -1 : frame.readInt16BE(0);
  }

  #start(frame: Buffer): void {
    const { router } = this.#services;
    const reader = new Reader(frame);
    let start: RequestStart;
    try {
      start = peekRequestStart(reader);
    } catch (error) {
      this.#drop(frame, 'header', error);
      return;
    }
    const handler = router.handler(start.apiKey);
    if (handler === undefined || !servesVersion(handler, start.apiVersion)) {
      this.#unsupported(frame, start, handler);
      return;
    }
    let request: unknown;
    let clientId: string | null;
    try {
      ({ clientId } = decodeRequestHeader(handler.api, start.apiVersion, reader));
      request = decodeRequest(handler.api, start.apiVersion, reader);
    } catch (error) {
      this.#drop(frame, 'body', error);
      return;
    }
    const slot = this.#open(frame, handler);
    const { apiVersion: version } = start;
    const context: RequestContext = { version, clientId, session: this, lease: slot.lease };
    router.dispatch(handler, request, context, (response) => {
      if (response === undefined) this.destroy();
      this.#answer(slot, start, response ?? null);
    });
  }

  #open(frame: Buffer, handler: Handler | undefined): Slot {
    const { frames, router } = this.#services;
    const slot = openSlot(frame, handler, router.intercepted ? null : frames);
    this.#slots.push(slot);
    this.#slotBytes += slot.frameBytes;
    return slot;
  }

  #unsupported(frame: Buffer, start: RequestStart, handler: Handler | undefined): void {
    const { router, logger } = this.#services;
    if (handler !== undefined && start.apiKey === ApiVersions.key) {
      const slot = this.#open(frame, handler);
      const refusal = router.unknownApiVersions(ApiVersions.key);
      this.#answer(slot, { ...start, apiVersion: 0 }, refusal);
      return;
    }
    const text = `API ${start.apiKey} version ${start.apiVersion} is not served`;
    const error = new KafkaError('UNSUPPORTED_VERSION', text);
    const range = handler?.api.versions;
    const readable =
      handler !== undefined &&
      range !== undefined &&
      start.apiVersion >= range[0] &&
      start.apiVersion <= range[1];
    if (!readable) {
      this.#drop(frame, 'version', error);
      return;
    }
    const slot = this.#open(frame, handler);
    try {
      const reader = new Reader(frame);
      const { clientId } = decodeRequestHeader(handler.api, start.apiVersion, reader);
      const request = decodeRequest(handler.api, start.apiVersion, reader);
      const context = { version: start.apiVersion, clientId, session: this };
      const refusal = handler.refuse(request, error, context);
      if (refusal === null) this.destroy();
      this.#answer(slot, start, refusal);
    } catch (cause) {
      logger.debug({ error: cause }, 'an unsupported request could not be read');
      this.destroy();
      this.#answer(slot, start, null);
    }
  }

  /** Bytes that are no request: nothing that follows can be trusted. */
  #drop(frame: Buffer, cause: CloseCause, error: unknown): void {
    this.#services.gate.give(frame.byteLength);
    this.#refuse(cause, error);
  }

  #refuse(cause: CloseCause, error: unknown): void {
    const { metrics, logger } = this.#services;
    metrics.badFrames[cause]++;
    logger.warn({ client: this.clientHost, cause, error }, 'closing a connection: bad request');
    this.destroy();
  }

  #answer(slot: Slot, start: RequestStart, response: object | null): void {
    if (response !== null && slot.handler !== undefined) {
      slot.chunks = this.#encode(slot.handler, start, response);
    }
    slot.done = true;
    slot.lease?.drop();
    this.#services.gate.give(slot.frameBytes);
    for (let { first } = this.#slots; first?.done === true; first = this.#slots.first) {
      this.#slots.shift();
      this.#slotBytes -= first.frameBytes;
      if (first.chunks !== null) this.#sender.send(first.chunks);
    }
    this.#pump();
  }

  #encode({ api }: Handler, start: RequestStart, response: object): readonly Chunk[] | null {
    const { answerRoom, logger, metrics } = this.#services;
    const { apiVersion, correlationId } = start;
    const room = answerRoom.of(api.key);
    try {
      const chunks = encodeResponse(api, apiVersion, correlationId, response as never, room);
      answerRoom.took(api.key, chunks[0]?.byteLength ?? 0);
      return chunks;
    } catch (error) {
      metrics.countFailure(api.name);
      logger.error({ api: api.name, error }, 'an answer could not be encoded');
      dropAnswer(api, response);
      this.destroy();
      return null;
    }
  }
}
