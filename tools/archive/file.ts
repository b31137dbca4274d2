// An archive as a file: written from the front, never changed behind; read from the front, or the end alone.

import { type FileHandle, open } from 'node:fs/promises';
import { MemoryLease } from '../../src/base/memory-pool.ts';
import { loadXxHash64, type XxHash64 } from '../../src/base/xxhash.ts';
import { prepareCodec, RecordError } from '../../src/record/index.ts';
import { piecesMemory } from '../batches/reading.ts';
import {
  type ArchiveBlock,
  type ArchiveDocument,
  type ArchiveEnd,
  type ArchiveHead,
  packBlockHead,
  packDocument,
  unpackDocument,
} from './documents.ts';
import { ArchiveError } from './errors.ts';
import {
  damageOfStored,
  decodeFrame,
  decodeMark,
  encodeFrame,
  encodeStoredBlock,
  MARK_BYTES,
  type Mark,
  storedPieces,
} from './frames.ts';

/** A skippable frame at the very end, which tells where the end's mark begins. */
const TRAILER_MAGIC = 0x184d2a5c;
const TRAILER_BYTES = 16;

/** A document and where its mark begins. */
export interface PlacedDocument {
  readonly position: number;
  /** Where the next one begins. */
  readonly next: number;
  readonly document: ArchiveDocument;
  /** Whether the checksums of the batches in it were compared, besides that of the frame. */
  readonly batchesChecked: boolean;
  /** Of the memory that a block's bytes lie in: to be dropped after the last look at them. */
  readonly lease: MemoryLease | null;
}

/** Throws ArchiveError `archive_unusable` that tells what happened to which file. */
export function unusable(path: string, doing: string, error: unknown): ArchiveError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    code === 'EEXIST' ? 'it exists already: name another, or go on with it with --resume' : message;
  return new ArchiveError('archive_unusable', `cannot ${doing} ${path}: ${why}`, { cause: error });
}

/** A block but for its batches. */
export type BlockPlace = Omit<ArchiveBlock, 'bytes'>;

export interface WritingOptions {
  /** Of zstd; 0 stores. */
  readonly level: number;
  /** False leaves it to the system when what is written comes to the disk. */
  readonly sync: boolean;
}

/** So much is written before the disk is told to begin with it, so that the last sync has little left to wait for. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

/** Appends documents. */
export class ArchiveFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #options: WritingOptions;
  readonly #hasher: XxHash64;
  #position: number;
  #syncedAt: number;
  /** Rejects when the disk refused. */
  #syncing: Promise<void> | null = null;

  private constructor(
    path: string,
    file: FileHandle,
    how: WritingOptions & { readonly hasher: XxHash64 },
    at: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#options = how;
    this.#hasher = how.hasher;
    this.#position = at;
    this.#syncedAt = at;
  }

  /** A new file, or one that is written on from `at`. Throws ArchiveError `archive_unusable`. */
  static async open(
    path: string,
    options: WritingOptions,
    at: number | null,
  ): Promise<ArchiveFile> {
    const hasher = await loadXxHash64();
    if (options.level > 0) await prepareCodec('zstd');
    try {
      const file = await open(path, at === null ? 'wx' : 'r+');
      if (at !== null) await file.truncate(at);
      return new ArchiveFile(path, file, { ...options, hasher }, at ?? 0);
    } catch (error) {
      throw unusable(path, 'write', error);
    }
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#position;
  }

  async append(document: ArchiveHead | ArchiveEnd): Promise<void> {
    await this.#write(this.#frameOf(packDocument(document)));
  }

  /** A block of whole batches. `store`: as they are, for what would not shrink. Throws RecordError for other bytes. */
  async appendBlock(place: BlockPlace, batches: readonly Buffer[], store: boolean): Promise<void> {
    const bytes = batches.reduce((sum, { length }) => sum + length, 0);
    const head = packBlockHead(place, bytes);
    const how = { position: this.#position, hasher: this.#hasher };
    await this.#write(
      store || this.#options.level === 0
        ? encodeStoredBlock(head, batches, how)
        : this.#frameOf(Buffer.concat([head, ...batches])),
    );
  }

  #frameOf(document: Buffer): Buffer[] {
    const how = { level: this.#options.level, hasher: this.#hasher };
    return encodeFrame(document, this.#position, how);
  }

  /** The last document, and the way to it. */
  async end(document: ArchiveEnd): Promise<void> {
    const at = this.#position;
    await this.append(document);
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeUInt32LE(TRAILER_MAGIC, 0);
    trailer.writeUInt32LE(TRAILER_BYTES - 8, 4);
    trailer.writeBigUInt64LE(BigInt(at), 8);
    await this.#write([trailer]);
    await this.sync();
  }

  /** Makes safe what was written. */
  async sync(): Promise<void> {
    await this.#syncing;
    this.#startSync();
    await this.#syncing;
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => {});
    await this.#file.close();
  }

  #startSync(): void {
    if (!this.#options.sync || this.#syncedAt === this.#position) return;
    this.#syncedAt = this.#position;
    const syncing = this.#file.datasync().then(
      () => {
        this.#syncing = null;
      },
      (error: unknown) => {
        throw unusable(this.#path, 'write', error);
      },
    );
    // Whoever writes next hears of it.
    syncing.catch(() => {});
    this.#syncing = syncing;
  }

  async #write(pieces: readonly Buffer[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const from = this.#position;
    try {
      for (let done = 0; done < length; ) {
        const left = after(pieces, done);
        done += (await this.#file.writev(left, from + done)).bytesWritten;
      }
    } catch (error) {
      throw unusable(this.#path, 'write', error);
    }
    this.#position += length;
    if (this.#position < this.#syncedAt + SYNC_EVERY_BYTES) return;
    // The disk is behind: it sets the pace, or all that waits for it would pile up in memory.
    await this.#syncing;
    this.#startSync();
  }
}

/** What is left of the pieces behind so many bytes. */
function after(pieces: readonly Buffer[], bytes: number): readonly Buffer[] {
  let skip = bytes;
  const left: Buffer[] = [];
  for (const piece of pieces) {
    if (skip < piece.length) left.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return left;
}

/** A frame as it was read: the document of one of the second kind, else the frame itself. */
interface Frame {
  readonly heads: Buffer | null;
  readonly document: Buffer;
  readonly pieces: readonly Buffer[];
  readonly lease: MemoryLease | null;
}

interface FrameRead {
  readonly frame: Frame;
  /** What follows it: the next mark, or the trailer. */
  readonly behind: Buffer;
}

function wholeFrame({ frameBytes }: Mark): Frame {
  const document = Buffer.allocUnsafe(frameBytes);
  return { heads: null, document, pieces: [document], lease: null };
}

/** Reads documents. */
export class ArchiveReader {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #hasher: XxHash64;
  readonly bytes: number;
  readonly #memory = piecesMemory();

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
    let coming = this.#coming(head, 0);
    while (coming !== null) {
      const { mark } = coming;
      const { frame, behind } = await coming.reading;
      const next = at + MARK_BYTES + mark.frameBytes;
      // The disk reads the next one while this one is looked at.
      coming = this.#coming(behind, next);
      yield { position: at, next, ...this.#checked(frame, mark, at) };
      at = next;
      head = behind;
    }
    if (at === 0 && this.bytes > 0) throw this.#notOne();
    // The magic alone is one bit away from a mark's.
    const last = at === this.bytes - TRAILER_BYTES && head.readUInt32LE(0) === TRAILER_MAGIC;
    if (at < this.bytes && !last) throw this.#damaged(at, 'no frame begins here');
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
    const { document } = this.#checked((await this.#frameAt(mark, at)).frame, mark, at);
    return document.type === 'end' ? document : null;
  }

  /** Begins to read the frame of the mark at `at`; null when there is none. */
  #coming(head: Buffer, at: number): { mark: Mark; reading: Promise<FrameRead> } | null {
    const mark = decodeMark(head);
    if (mark === null) return null;
    const reading = this.#frameAt(mark, at);
    // Heard of when it is awaited; nobody may come to that.
    reading.catch(() => {});
    return { mark, reading };
  }

  /** The frame of the mark at `at`, and the next mark with it, so that a document is one read. */
  async #frameAt(mark: Mark, at: number): Promise<FrameRead> {
    const behind = Buffer.allocUnsafe(MARK_BYTES);
    const frame = mark.headBytes > 0 ? this.#placesFor(mark.documentBytes) : wholeFrame(mark);
    const from = at + MARK_BYTES;
    const wanted = mark.frameBytes + MARK_BYTES;
    const length = await this.#readInto([...frame.pieces, behind], from, wanted);
    if (length < mark.frameBytes) throw this.#damaged(at, 'the frame is cut off');
    return { frame, behind: behind.subarray(0, length - mark.frameBytes) };
  }

  #placesFor(documentBytes: number): Frame {
    const lent = this.#memory.take(documentBytes);
    const document = lent ?? Buffer.allocUnsafe(documentBytes);
    return { ...storedPieces(document), lease: new MemoryLease(this.#memory, document) };
  }

  #checked(
    frame: Frame,
    mark: Mark,
    at: number,
  ): Pick<PlacedDocument, 'document' | 'batchesChecked' | 'lease'> {
    const { document: bytes, lease } = frame;
    if (frame.heads !== null) {
      const how = { mark, position: at, hasher: this.#hasher };
      const damage = damageOfStored({ ...frame, heads: frame.heads }, how);
      if (damage !== null) throw this.#damaged(at, damage);
      const document = unpackDocument(bytes);
      if (document?.type === 'batches') return { document, batchesChecked: true, lease };
    } else {
      if (this.#hasher.hash(bytes, BigInt(at)) !== mark.hash) {
        throw this.#damaged(at, 'the checksum is wrong');
      }
      const document = this.#documentIn(bytes, mark);
      if (document !== null) return { document, batchesChecked: false, lease };
    }
    throw this.#damaged(at, 'it holds no document of an archive');
  }

  #documentIn(frame: Buffer, mark: Mark): ArchiveDocument | null {
    try {
      return unpackDocument(decodeFrame(frame, mark));
    } catch (error) {
      if (error instanceof RecordError) return null;
      throw error;
    }
  }

  async #read(at: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.bytes - at)));
    return bytes.subarray(0, await this.#readInto([bytes], at, bytes.length));
  }

  /** Fills the pieces, which have room for `wanted` bytes; answers how many there were. */
  async #readInto(pieces: readonly Buffer[], at: number, wanted: number): Promise<number> {
    let done = 0;
    while (done < wanted) {
      const { bytesRead } = await this.#file
        .readv(after(pieces, done), at + done)
        .catch((error: unknown) => {
          throw unusable(this.path, 'read', error);
        });
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  #notOne(): ArchiveError {
    const text = `${this.path} is no archive of ours; text is imported with --format ndjson or csv`;
    return new ArchiveError('not_an_archive', text);
  }

  #damaged(at: number, why: string): ArchiveError {
    const text = `${this.path} is damaged at byte ${at}: ${why}`;
    return new ArchiveError('archive_damaged', text);
  }
}
