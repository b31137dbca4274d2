// An archive as a file: written from the front, never changed behind; read from the front, or the end alone.

import { type FileHandle, open } from 'node:fs/promises';
import { loadXxHash64, type XxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec, RecordError } from '../../src/record/index.ts';
import {
  type ArchiveDocument,
  type ArchiveEnd,
  packDocument,
  unpackDocument,
} from './documents.ts';
import { ArchiveError } from './errors.ts';
import { decodeFrame, decodeMark, encodeFrame, MARK_BYTES } from './frames.ts';

/** A skippable frame at the very end, which tells where the end's mark begins. */
const TRAILER_MAGIC = 0x184d2a5c;
const TRAILER_BYTES = 16;

/** A document and where its mark begins. */
export interface PlacedDocument {
  readonly position: number;
  /** Where the next one begins. */
  readonly next: number;
  readonly document: ArchiveDocument;
}

/** Throws ArchiveError `archive_unusable` that tells what happened to which file. */
export function unusable(path: string, doing: string, error: unknown): ArchiveError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'EEXIST' ? 'it exists already: name another, or go on with it with --resume' : message;
  return new ArchiveError('archive_unusable', `cannot ${doing} ${path}: ${why}`, { cause: error });
}

/** Appends documents. */
export class ArchiveFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #level: number;
  readonly #hasher: XxHash64;
  #position: number;

  private constructor(
    path: string,
    file: FileHandle,
    how: { level: number; hasher: XxHash64 },
    at: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#level = how.level;
    this.#hasher = how.hasher;
    this.#position = at;
  }

  /** A new file, or one that is written on from `at`. Throws ArchiveError `archive_unusable`. */
  static async open(path: string, level: number, at: number | null): Promise<ArchiveFile> {
    const hasher = await loadXxHash64();
    if (level > 0) await prepareCodec('zstd');
    try {
      const file = await open(path, at === null ? 'wx' : 'r+');
      if (at !== null) await file.truncate(at);
      return new ArchiveFile(path, file, { level, hasher }, at ?? 0);
    } catch (error) {
      throw unusable(path, 'write', error);
    }
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#position;
  }

  /** `store`: as it is, for what would not shrink. */
  async append(document: ArchiveDocument, store = false): Promise<void> {
    const how = { level: store ? 0 : this.#level, hasher: this.#hasher };
    await this.#write(encodeFrame(packDocument(document), this.#position, how));
  }

  /** The last document, and the way to it. */
  async end(document: ArchiveEnd): Promise<void> {
    const at = this.#position;
    await this.append(document);
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(TRAILER_MAGIC, 0);
    trailer.writeUInt32LE(TRAILER_BYTES - 8, 4);
    trailer.writeBigUInt64LE(BigInt(at), 8);
    await this.#write(trailer);
    await this.sync();
  }

  async sync(): Promise<void> {
    await this.#file.datasync().catch((error: unknown) => {
      throw unusable(this.#path, 'write', error);
    });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const at = this.#position + done;
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
      }
    } catch (error) {
      throw unusable(this.#path, 'write', error);
    }
    this.#position += bytes.length;
  }
}

/** Reads documents. */
export class ArchiveReader {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #hasher: XxHash64;
  readonly bytes: number;

  private constructor(path: string, file: FileHandle, hasher: XxHash64, bytes: number) {
    this.path = path;
    this.#file = file;
    this.#hasher = hasher;
    this.bytes = bytes;
  }

  /** Throws ArchiveError `archive_unusable`. */
  static async open(path: string): Promise<ArchiveReader> {
    await prepareCodec('zstd');
    try {
      const file = await open(path, 'r');
      const { size } = await file.stat();
      return new ArchiveReader(path, file, await loadXxHash64(), size);
    } catch (error) {
      throw unusable(path, 'read', error);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /**
   * The documents, in order, each checked. Ends after the last whole one: see {@link end} for whether that is the end.
   * Throws ArchiveError `not_an_archive` and `archive_damaged`, with the byte.
   */
  async *documents(): AsyncGenerator<PlacedDocument, void, undefined> {
    let at = 0;
    let head = await this.#read(0, MARK_BYTES);
    while (at < this.bytes) {
      const mark = decodeMark(head);
      if (mark === null) {
        if (at === 0) throw this.#notOne();
        if (head.length >= 4 && head.readUInt32LE(0) === TRAILER_MAGIC) return;
        throw this.#damaged(at, 'no frame begins here');
      }
      // With the next mark, so that a document is one read.
      const bytes = await this.#read(at + MARK_BYTES, mark.frameBytes + MARK_BYTES);
      if (bytes.length < mark.frameBytes) throw this.#damaged(at, 'the frame is cut off');
      const frame = bytes.subarray(0, mark.frameBytes);
      if (this.#hasher.hash(frame, BigInt(at)) !== mark.hash) {
        throw this.#damaged(at, 'the checksum is wrong');
      }
      const next = at + MARK_BYTES + mark.frameBytes;
      yield { position: at, next, document: this.#document(frame, at, mark) };
      head = bytes.subarray(mark.frameBytes);
      at = next;
    }
  }

  /** {@link documents} up to the first damage: what is behind it was not safe when a writer stopped. */
  async *wholeDocuments(): AsyncGenerator<PlacedDocument, void, undefined> {
    try {
      yield* this.documents();
    } catch (error) {
      if (!(error instanceof ArchiveError) || error.code !== 'archive_damaged') throw error;
    }
  }

  /** The end, found without reading what is before it; null when there is none. */
  async end(): Promise<ArchiveEnd | null> {
    const trailer = await this.#read(Math.max(0, this.bytes - TRAILER_BYTES), TRAILER_BYTES);
    if (trailer.length < TRAILER_BYTES || trailer.readUInt32LE(0) !== TRAILER_MAGIC) return null;
    const at = Number(trailer.readBigUInt64LE(8));
    const mark = decodeMark(await this.#read(at, MARK_BYTES));
    if (mark === null || at + mark.frameBytes > this.bytes) return null;
    const frame = await this.#read(at + MARK_BYTES, mark.frameBytes);
    if (this.#hasher.hash(frame, BigInt(at)) !== mark.hash) {
      throw this.#damaged(at, 'the checksum is wrong');
    }
    const document = this.#document(frame, at, mark);
    return document.type === 'end' ? document : null;
  }

  #document(frame: Buffer, at: number, mark: Parameters<typeof decodeFrame>[1]): ArchiveDocument {
    try {
      const document = unpackDocument(decodeFrame(frame, mark));
      if (document !== null) return document;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
    throw this.#damaged(at, 'it holds no document of an archive of version 1');
  }

  async #read(at: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.bytes - at));
    const bytes = Buffer.allocUnsafe(wanted);
    let done = 0;
    while (done < wanted) {
      const { bytesRead } = await this.#file
        .read(bytes, done, wanted - done, at + done)
        .catch((error: unknown) => {
          throw unusable(this.path, 'read', error);
        });
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  #notOne(): ArchiveError {
    const text = `${this.path} is no archive of ours; files of NDJSON and CSV need --format`;
    return new ArchiveError('not_an_archive', text);
  }

  #damaged(at: number, why: string): ArchiveError {
    const text = `${this.path} is damaged at byte ${at}: ${why}`;
    return new ArchiveError('archive_damaged', text);
  }
}
