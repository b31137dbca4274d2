// What goes out to one peer, in order. Answers in memory that one turn of the event loop has made (those of one commit,
// for instance) leave together, as one system call, at the end of its microtasks. Regions of files go
// from the page cache to the socket by sendfile, around the stream: only while the stream has nothing of its own on the
// way, so that nothing is overtaken, and in small calls, so that others get their turn. When the socket takes no more,
// a little is read and written through the stream, which says when there is room again; what is not in the page cache
// is read piece by piece off the event loop. So a peer that reads slowly holds one piece in memory, however much it
// has asked for.

import type { Socket } from 'node:net';
import { Fifo } from '../base/fifo.ts';
import { type Chunk, type FileRegion, isFileRegion } from '../base/payload.ts';
import { descriptorOf, queuedIn } from './loopback.ts';
import type { NativeIo } from './native-io.ts';
import { warnProcess } from './warn.ts';

/** Sent by one call. */
const SENDFILE_BYTES_MAX = 256 * 1024;
/** Sent in one turn of the event loop. */
const TURN_BYTES_MAX = 1024 * 1024;
/** Asked for at once whether it is in the page cache. */
const CHECKED_BYTES_MAX = 1024 * 1024;
/** Buffers that together are shorter are joined, which is cheaper than to send them one by one. */
const JOINED_BYTES_MAX = 64 * 1024;
/** Read and written where sendfile cannot go on. */
const PIECE_BYTES_MAX = 256 * 1024;
/** The same when the socket is full: only to be told when it is not; so short that it needs no memory of its own. */
const FULL_BYTES_MAX = 2 * 1024;

/** Bytes of file regions sent by all peers, by the way they took. All grow. */
export interface RegionStats {
  sentByKernel: number;
  sentByCopy: number;
}

export interface RegionSending {
  readonly native: Pick<NativeIo, 'send' | 'sendFile' | 'readCached'>;
  readonly stats: RegionStats;
}

interface Outgoing {
  readonly chunks: readonly Chunk[];
  readonly sent: () => void;
  /** The chunk that is next, and what of it is sent. */
  index: number;
  at: number;
}

export class PeerOutput {
  readonly #stream: Socket;
  readonly #native: RegionSending['native'] | null;
  readonly #stats: RegionStats;
  readonly #queue = new Fifo<Outgoing>();
  /** Writes of the stream whose callbacks have not come. */
  #inStream = 0;
  /** A piece is being read, or the next turn is waited for. */
  #waiting = false;
  #pumping = false;
  /** It is among those that send once all of this moment's answers are there. */
  #gathering = false;
  /** Sendfile is known not to go from these files to this socket. */
  #copying: boolean;
  /** Up to where the region at work is known to be in the page cache, while we have not waited since. */
  #cachedTo = 0;
  #gone = false;
  #onDrained: (() => void) | null = null;

  /** Without `regions`, regions of files are read and written. */
  constructor(stream: Socket, regions: RegionSending | null) {
    this.#stream = stream;
    this.#native = regions?.native ?? null;
    this.#stats = regions?.stats ?? { sentByKernel: 0, sentByCopy: 0 };
    this.#copying = regions === null;
    stream.once('close', () => this.#drop());
  }

  /** Changes while the peer takes bytes. */
  get progress(): number {
    return (this.#queue.first?.at ?? 0) + this.#stream.bytesWritten - queuedIn(this.#stream);
  }

  /** Sends after everything before it. `sent` is called once, also when the connection is gone. */
  write(chunks: readonly Chunk[], sent: () => void): void {
    const outgoing: Outgoing = { chunks, sent, index: 0, at: 0 };
    if (this.#gone || this.#stream.destroyed || this.#stream.writableEnded) {
      queueMicrotask(() => finish(outgoing));
      return;
    }
    this.#queue.push(outgoing);
    if (this.#gathering) return;
    this.#gathering = true;
    if (gathering.length > 0) {
      gathering.push(this);
      return;
    }
    gathering = [this];
    process.nextTick(sendGathered);
  }

  /** Sends what has been gathered. */
  send(): void {
    this.#gathering = false;
    this.#pump();
  }

  /** Calls back once when everything has been handed to the stream. */
  whenDrained(callback: () => void): void {
    if (this.#queue.length === 0) callback();
    else this.#onDrained = callback;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#sendQueued();
    } catch (error) {
      // A fault of ours ends this connection; others of this turn, and the process, go on.
      this.#fail();
      warnProcess(`a connection is closed, an answer could not be sent: ${String(error)}`);
    } finally {
      this.#pumping = false;
    }
  }

  #sendQueued(): void {
    this.#cachedTo = 0;
    let budget = TURN_BYTES_MAX;
    let first = this.#queue.first;
    while (first !== undefined && !this.#waiting && !this.#gone) {
      const chunk = first.chunks[first.index];
      if (chunk === undefined) {
        this.#queue.shift();
        finish(first);
      } else if (!isFileRegion(chunk)) {
        this.#sendMemory();
      } else if (this.#inStream > 0) {
        break;
      } else if (budget <= 0) {
        this.#later();
      } else {
        budget -= this.#sendRegion(first, chunk);
      }
      first = this.#queue.first;
    }
    if (first === undefined && this.#queue.length === 0) {
      this.#onDrained?.();
      this.#onDrained = null;
    }
  }

  #later(): void {
    this.#waiting = true;
    setImmediate(() => this.#goOn());
  }

  #goOn(): void {
    this.#waiting = false;
    this.#pump();
  }

  /** Sends buffers in a row, of as many answers as are short enough to be joined. */
  #sendMemory(): void {
    const direct = this.#inStream === 0 && !this.#copying;
    if (direct && this.#sentAlone()) return;
    const { buffers, answers, more } = this.#gather();
    const first = buffers[0] as Buffer;
    const whole = !direct ? null : buffers.length === 1 ? first : joined(buffers);
    let unsent: readonly Buffer[] = buffers;
    if (whole !== null) {
      const taken = this.#sendNow(whole, more);
      if (this.#gone) return;
      const rest = whole.subarray(taken);
      // What was joined is in memory that the next answers take.
      if (taken > 0) unsent = rest.length === 0 ? [] : [whole === first ? rest : Buffer.from(rest)];
    }
    const done = Array.from({ length: answers }, () => this.#queue.shift() as Outgoing);
    const finishAll = (): void => {
      for (const outgoing of done) finish(outgoing);
    };
    // What goes through the stream counts as sent when the stream has sent it.
    if (unsent.length === 0) finishAll();
    else this.#writeStream(unsent, finishAll);
  }

  /** Sends the answer to a client that asks one thing at a time, as most do: short, in memory, nothing behind it. */
  #sentAlone(): boolean {
    const { chunks, index } = this.#queue.first as Outgoing;
    if (this.#queue.length > 1 || index > 0 || !inMemory(chunks)) return false;
    const [only] = chunks;
    const whole = chunks.length === 1 && only !== undefined ? only : joined(chunks);
    if (whole === null) return false;
    const taken = this.#sendNow(whole, false);
    if (this.#gone) return true;
    const { sent } = this.#queue.shift() as Outgoing;
    if (taken === whole.byteLength) {
      sent();
      return true;
    }
    const rest = whole.subarray(taken);
    this.#writeStream([whole === only ? rest : Buffer.from(rest)], sent);
    return true;
  }

  /**
   * The buffers that come next, in a row; how many answers end with them, and whether a region follows. The first
   * answer's are taken however long they are. No answer that is complete waits for the region of another, which may
   * have to come from the disk.
   */
  #gather(): { buffers: Buffer[]; answers: number; more: boolean } {
    const buffers: Buffer[] = [];
    let bytes = 0;
    let answers = 0;
    for (const outgoing of this.#queue) {
      const { chunks, index } = outgoing;
      const run = buffersFrom(chunks, index);
      const more = index + run.length < chunks.length;
      for (const buffer of run) bytes += buffer.byteLength;
      if (answers > 0 && (more || bytes > JOINED_BYTES_MAX)) break;
      for (const buffer of run) buffers.push(buffer);
      outgoing.index = index + run.length;
      if (more) return { buffers, answers, more };
      answers++;
    }
    return { buffers, answers, more: false };
  }

  /**
   * Sends at once what the socket takes, and answers how much that is. With `more`, the frame's beginning shares a
   * packet with the records that follow it.
   */
  #sendNow(buffer: Buffer, more: boolean): number {
    // Asked for each time: the number of a closed one may be another's by then.
    const socket = descriptorOf(this.#stream);
    const native = this.#native;
    const taken = socket < 0 || native === null ? 'unsupported' : native.send(socket, buffer, more);
    if (taken === 'failed') this.#fail();
    return typeof taken === 'number' ? taken : 0;
  }

  /** Sends what it can of a region; answers the bytes that it sent. */
  #sendRegion(outgoing: Outgoing, region: FileRegion): number {
    const { at } = outgoing;
    const { source } = region;
    if (this.#copying || source === null || !this.#isCached(region, at)) {
      this.#copy(outgoing, region, PIECE_BYTES_MAX);
      return 0;
    }
    const bytes = Math.min(this.#cachedTo - at, SENDFILE_BYTES_MAX);
    const { descriptor, position } = source;
    const socket = descriptorOf(this.#stream);
    const native = this.#native;
    const sent =
      socket < 0 || native === null
        ? 'unsupported'
        : native.sendFile(socket, descriptor, position + at, bytes);
    if (typeof sent === 'number') {
      this.#stats.sentByKernel += sent;
      this.#advance(outgoing, region, sent);
      return sent;
    }
    if (sent === 'full') this.#waitForRoom(outgoing, region);
    else if (sent === 'unsupported') this.#copying = true;
    else this.#fail();
    return 0;
  }

  /** Whether the next piece of the region can be sent without waiting for the disk. */
  #isCached(region: FileRegion, at: number): boolean {
    if (at < this.#cachedTo) return true;
    const rest = region.byteLength - at;
    for (const bytesMax of [CHECKED_BYTES_MAX, SENDFILE_BYTES_MAX]) {
      const bytes = Math.min(rest, bytesMax);
      if (!region.isCached(at, bytes)) continue;
      this.#cachedTo = at + bytes;
      return true;
    }
    return false;
  }

  /** Writes a little through the stream, which waits until the socket has taken it. */
  #waitForRoom(outgoing: Outgoing, region: FileRegion): void {
    const { source } = region;
    const piece = Buffer.allocUnsafe(Math.min(region.byteLength - outgoing.at, FULL_BYTES_MAX));
    const position = (source?.position ?? 0) + outgoing.at;
    const count =
      source === null ? -1 : this.#native?.readCached(source.descriptor, piece, position);
    if (count === undefined || count <= 0) {
      this.#copy(outgoing, region, FULL_BYTES_MAX);
      return;
    }
    this.#stats.sentByCopy += count;
    this.#advance(outgoing, region, count);
    this.#writeStream([piece.subarray(0, count)], nothing);
  }

  #advance(outgoing: Outgoing, region: FileRegion, bytes: number): void {
    outgoing.at += bytes;
    if (outgoing.at < region.byteLength) return;
    region.release();
    outgoing.index++;
    outgoing.at = 0;
    this.#cachedTo = 0;
  }

  /** Reads a piece and writes it through the stream. */
  #copy(outgoing: Outgoing, region: FileRegion, bytesMax: number): void {
    const bytes = Math.min(region.byteLength - outgoing.at, bytesMax);
    this.#waiting = true;
    region.load(outgoing.at, bytes).then(
      (piece) => {
        if (this.#gone) return;
        if (piece.byteLength < bytes) {
          this.#fail();
          return;
        }
        this.#stats.sentByCopy += bytes;
        this.#advance(outgoing, region, bytes);
        this.#writeStream([piece], nothing);
        this.#goOn();
      },
      () => this.#fail(),
    );
  }

  #writeStream(buffers: readonly Buffer[], sent: () => void): void {
    const stream = this.#stream;
    const last = buffers.length - 1;
    this.#inStream++;
    const done = (): void => {
      this.#inStream--;
      sent();
      if (this.#queue.length > 0) this.#pump();
    };
    if (last === 0) {
      stream.write(buffers[0] as Buffer, done);
      return;
    }
    stream.cork();
    for (let i = 0; i < last; i++) stream.write(buffers[i] as Buffer);
    stream.write(buffers[last] as Buffer, done);
    stream.uncork();
  }

  /** The peer cannot get what the frame's length has promised. */
  #fail(): void {
    this.#gone = true;
    this.#stream.destroy();
  }

  #drop(): void {
    this.#gone = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
      finish(next);
  }
}

function nothing(): void {}

/** Who has answers to send, after all microtasks: those to what was committed together are made in as many of them. */
let gathering: PeerOutput[] = [];

function sendGathered(): void {
  const outputs = gathering;
  gathering = [];
  for (const output of outputs) output.send();
}

function inMemory(chunks: readonly Chunk[]): chunks is readonly Buffer[] {
  for (const chunk of chunks) if (isFileRegion(chunk)) return false;
  return true;
}

/** The chunks in memory from `index` up to the next region, or the end. */
function buffersFrom(chunks: readonly Chunk[], index: number): Buffer[] {
  const run: Buffer[] = [];
  for (let at = index; at < chunks.length; at++) {
    const chunk = chunks[at] as Chunk;
    if (isFileRegion(chunk)) break;
    run.push(chunk);
  }
  return run;
}

/** Where short buffers are joined, for as long as one call takes. */
const joint = Buffer.allocUnsafeSlow(JOINED_BYTES_MAX);

/** Short buffers as one, in memory that is used again; null when they are not short. */
function joined(buffers: readonly Buffer[]): Buffer | null {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.byteLength;
  if (bytes > JOINED_BYTES_MAX) return null;
  let at = 0;
  for (const buffer of buffers) at += buffer.copy(joint, at);
  return joint.subarray(0, bytes);
}

function finish(outgoing: Outgoing): void {
  for (const chunk of outgoing.chunks) if (isFileRegion(chunk)) chunk.release();
  outgoing.sent();
}
