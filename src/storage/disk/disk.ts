// The port to the disk. Three implementations: Node's file system (src/host), memory (here), and a simulated
// disk that loses, tears and flips what a test tells it to (test/support).

import { TidemarkError } from '../../base/errors.ts';

/**
 * What a disk refuses with. `disk_full`: no room (ENOSPC, EDQUOT). `io_error`: the device failed (EIO and the rest).
 * `not_found`: no such file. `too_many_files`: the process may not open more (EMFILE, ENFILE).
 */
export type DiskErrorCode = 'disk_full' | 'io_error' | 'not_found' | 'too_many_files' | 'denied';

/** An operation on a file failed; `path` says which file, `cause` what the system said. */
export class DiskError extends TidemarkError<DiskErrorCode> {
  readonly path: string;

  constructor(code: DiskErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
}

/** The process may not open more files for now: others may close some, and what was refused may be tried again. */
export function isOutOfFiles(error: unknown): boolean {
  return error instanceof DiskError && error.code === 'too_many_files';
}

/** What `stat` tells of a file or directory. */
export interface FileStatus {
  readonly kind: 'file' | 'directory';
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Names that the file has; missing where that is not known. */
  readonly links?: number;
}

/**
 * An open file. Reads and writes name their position; nothing is shared between calls. All methods throw
 * {@link DiskError}. A write that failed may have reached the file in part. Data is durable only after `datasync`.
 */
export interface DiskFile {
  readonly path: string;
  /** The system's descriptor for zero-copy sends, or null where there is none. */
  readonly descriptor: number | null;
  /** Whether the range can be read without waiting for the device. Missing, or false, where that is not known. */
  isCached?(position: number, bytes: number): boolean;
  /**
   * Fills `into` from `position` at once; answers the bytes read, -1 when that would wait for the device. Missing where
   * that is not known.
   */
  readNow?(into: Buffer, position: number): number;
  /** Fills `into` from `position`; answers the bytes read, fewer than asked only at the end of the file. */
  read(into: Buffer, position: number): Promise<number>;
  /** Writes all bytes of all parts, in a row, from `position`. */
  write(parts: readonly Buffer[], position: number): Promise<void>;
  /**
   * The same within this turn of the event loop; false, and nothing done, where that could hold it up. Absent: never.
   * After an error, too, the write may have reached the file in part.
   */
  writeNow?(parts: readonly Buffer[], position: number): boolean;
  /** Makes file data and length durable. A failed sync must never be retried and believed. */
  datasync(): Promise<void>;
  /** Cuts or extends (with zeros) to `bytes`. */
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * A file system. Paths are absolute or relative to the data directory's root, with `/` between names.
 * A create, rename or remove is durable only after `syncDirectory` of the directory that holds the name.
 */
export interface Disk {
  /** Whether its files have `writeNow`. */
  readonly writesNow?: boolean;
  /** Opens for reading and writing; `create` makes the file when missing (parent directories must exist). */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  /** Names in a directory, sorted; empty when the directory does not exist. */
  list(directory: string): Promise<readonly string[]>;
  /** Makes the directory and its missing parents; nothing when it exists. */
  makeDirectory(path: string): Promise<void>;
  stat(path: string): Promise<FileStatus | undefined>;
  /** Atomically replaces `to`. Works for directories when `to` is missing. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; nothing when it is missing. */
  remove(path: string): Promise<void>;
  /** Removes a directory and all in it; nothing when it is missing. */
  removeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Bytes that may still be written, for the free-space floor; `Number.MAX_SAFE_INTEGER` when unknown. */
  freeBytes(path: string): Promise<number>;
}
