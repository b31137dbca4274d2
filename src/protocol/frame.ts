// Frames: four bytes of length, then a request or response with its header.

import {
  decodeRequestHeader,
  peekRequestStart,
  type RequestStart,
  requestHeaderVersion,
  responseHeaderVersion,
} from './header.ts';
import { RequestHeader, ResponseHeader } from './messages/headers.ts';
import type { Api, RequestInput, RequestOf, ResponseInput, ResponseOf } from './schema/api.ts';
import { ProtocolError } from './schema/error.ts';
import type { Fields } from './schema/field.ts';
import { Reader } from './schema/reader.ts';
import { type Chunk, Writer } from './schema/writer.ts';

const lengthBytes = 4;

/**
 * Cuts the byte stream of a socket into frames. A frame that lies within one chunk is a slice of
 * it; one that came in several chunks is joined once, when its last byte is there, so a hostile
 * length costs nothing. The chunks are kept by reference: do not give buffers that are written to
 * again.
 */
export class FrameSplitter {
  private readonly maxBytes: number;
  private chunks: Buffer[] = [];
  /** Where unread bytes begin in the first chunk. */
  private offset = 0;
  private available = 0;

  /** `maxBytes` limits the length of a frame without its prefix (`socket.request.max.bytes`). */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes taken in and not given out as frames yet. */
  get pendingBytes(): number {
    return this.available;
  }

  push(chunk: Buffer): void {
    if (chunk.byteLength === 0) return;
    this.chunks.push(chunk);
    this.available += chunk.byteLength;
  }

  /**
   * The next whole frame without its length prefix, or null until more bytes are pushed.
   * Throws `ProtocolError` (`frame_too_large`) for a length above the limit or below zero; the
   * stream is then lost.
   */
  next(): Buffer | null {
    const length = this.nextLength();
    if (length === null || this.available < lengthBytes + length) return null;
    this.drop(lengthBytes);
    return this.take(length);
  }

  /** Length of the frame that is being received, or null when not even that is known. */
  nextLength(): number | null {
    if (this.available < lengthBytes) return null;
    const length = this.peekInt32();
    if (length < 0 || length > this.maxBytes) {
      throw new ProtocolError(
        'frame_too_large',
        `a frame of ${length} bytes was announced, ${this.maxBytes} are allowed`,
      );
    }
    return length;
  }

  private peekInt32(): number {
    const [first] = this.chunks;
    if (first !== undefined && first.byteLength - this.offset >= lengthBytes) {
      return first.readInt32BE(this.offset);
    }
    let value = 0;
    let index = 0;
    let { offset } = this;
    for (let i = 0; i < lengthBytes; i++) {
      let chunk = this.chunks[index];
      while (chunk !== undefined && offset >= chunk.byteLength) {
        index++;
        offset = 0;
        chunk = this.chunks[index];
      }
      value = (value << 8) | (chunk?.[offset] ?? 0);
      offset++;
    }
    return value;
  }

  /** Forgets `length` bytes, which are available. */
  private drop(length: number): void {
    this.available -= length;
    let left = this.offset + length;
    let count = 0;
    for (const chunk of this.chunks) {
      if (left < chunk.byteLength) break;
      left -= chunk.byteLength;
      count++;
    }
    if (count > 0) this.chunks.splice(0, count);
    this.offset = left;
  }

  /** Takes `length` bytes, which are available, as one buffer. */
  private take(length: number): Buffer {
    const [first] = this.chunks;
    const start = this.offset;
    if (first === undefined || length === 0) return Buffer.alloc(0);
    if (first.byteLength - start >= length) {
      this.drop(length);
      return first.subarray(start, start + length);
    }
    const joined = Buffer.allocUnsafe(length);
    let at = first.copy(joined, 0, start);
    for (let i = 1; at < length; i++) at += this.chunks[i]?.copy(joined, at) ?? length;
    this.drop(length);
    return joined;
  }
}

/** A request as it arrives: the header, and the body still to decode. */
export interface IncomingRequest extends RequestStart {
  readonly clientId: string | null;
  readonly api: Api;
  /** Stands at the beginning of the body. */
  readonly reader: Reader;
}

/** A request that cannot be decoded, but answered: an API or version that we do not have. */
export interface UnknownRequest extends RequestStart {
  readonly api: null;
}

/**
 * Reads the header of a request frame. `find` gives the API when it is served in that version, else
 * null. Throws `ProtocolError` for a frame without a whole header.
 */
export function parseRequest(
  frame: Buffer,
  find: (apiKey: number, apiVersion: number) => Api | null,
): IncomingRequest | UnknownRequest {
  const reader = new Reader(frame);
  const start = peekRequestStart(reader);
  const api = find(start.apiKey, start.apiVersion);
  if (api === null) return { ...start, api };
  const { clientId } = decodeRequestHeader(api, start.apiVersion, reader);
  return { ...start, clientId, api, reader };
}

/** Who asks, and how its answer is recognised. */
export interface RequestIdentity {
  readonly correlationId: number;
  readonly clientId: string | null;
}

/**
 * A request frame with its length prefix, in chunks to send one after the other. Throws
 * `ProtocolError`.
 */
export function encodeRequest<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  version: number,
  identity: RequestIdentity,
  request: RequestInput<Api<Request, Response>>,
): Chunk[] {
  const header = { requestApiKey: api.key, requestApiVersion: version, ...identity };
  const writer = frameWriter();
  RequestHeader.encode(writer, requestHeaderVersion(api, version), header);
  api.request.encode(writer, version, request);
  return finishFrame(writer);
}

/**
 * A response frame with its length prefix, in chunks to send one after the other. `room`: bytes
 * that it is expected to take besides records. Throws `ProtocolError`.
 */
export function encodeResponse<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  version: number,
  correlationId: number,
  response: ResponseInput<Api<Request, Response>>,
  room?: number,
): Chunk[] {
  const writer = frameWriter(room);
  ResponseHeader.encode(writer, responseHeaderVersion(api, version), { correlationId });
  api.response.encode(writer, version, response);
  return finishFrame(writer);
}

function frameWriter(room?: number): Writer {
  const writer = new Writer(room);
  writer.reserve(lengthBytes);
  writer.putInt32(0);
  return writer;
}

function finishFrame(writer: Writer): Chunk[] {
  const length = writer.byteLength - lengthBytes;
  const chunks = writer.finish();
  const [first] = chunks;
  if (Buffer.isBuffer(first)) first.writeInt32BE(length, 0);
  return chunks;
}

/**
 * Elements of all arrays of one request together. A frame of 20 MB can hold ten million topics without a name, whose
 * objects, and the answer to which, took gigabytes and minutes; honest requests name every partition of a broker a few
 * times at most.
 */
const REQUEST_ELEMENTS_MAX = 1_048_576;

/** Decodes the body behind a request header. Throws `ProtocolError`. */
export function decodeRequest<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  version: number,
  reader: Reader,
): RequestOf<Api<Request, Response>> {
  reader.elementsLeft = REQUEST_ELEMENTS_MAX;
  return api.request.decode(reader, version) as RequestOf<Api<Request, Response>>;
}

/** The correlation id of a response frame, before its API is known. Throws `ProtocolError`. */
export function peekCorrelationId(frame: Buffer): number {
  return new Reader(frame).int32();
}

/** Decodes a response frame. Throws `ProtocolError`. */
export function decodeResponse<Request extends Fields, Response extends Fields>(
  api: Api<Request, Response>,
  version: number,
  frame: Buffer,
): ResponseOf<Api<Request, Response>> {
  const reader = new Reader(frame);
  ResponseHeader.decode(reader, responseHeaderVersion(api, version));
  return api.response.decode(reader, version) as ResponseOf<Api<Request, Response>>;
}
