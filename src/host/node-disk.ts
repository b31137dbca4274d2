// The Disk port over Node's file system. Callback functions, wrapped once: on the append path they cost less than
// node:fs/promises, whose FileHandle adds an object and several promises to each call.

import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type FileStatus,
} from '../storage/index.ts';
import { makeDirectories } from './make-directories.ts';
import type { NativeIo } from './native-io.ts';
import { PromptWrites } from './prompt-writes.ts';

const codes: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EMFILE: 'too_many_files',
  ENFILE: 'too_many_files',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
};

/** Linux takes at most 1,024 buffers in one writev (IOV_MAX). */
const PARTS_PER_WRITE_MAX = 1024;

function wrap(error: NodeJS.ErrnoException, file: string): DiskError {
  return new DiskError(codes[error.code ?? ''] ?? 'io_error', file, error.message, {
    cause: error,
  });
}

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/** Runs one callback-style call and turns its error into a DiskError. */
function call<T>(file: string, start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value);
      else reject(wrap(error, file));
    });
  });
}

class NodeFile implements DiskFile {
  readonly path: string;
  /** Null once it is closed: its number may be another file's by then. */
  #descriptor: number | null;
  readonly #prompt: PromptWrites;
  readonly #native: NativeIo | null;

  constructor(file: string, descriptor: number, prompt: PromptWrites, native: NativeIo | null) {
    this.path = file;
    this.#descriptor = descriptor;
    this.#prompt = prompt;
    this.#native = native;
  }

  get descriptor(): number | null {
    return this.#descriptor;
  }

  isCached(position: number, bytes: number): boolean {
    const file = this.#descriptor;
    return file !== null && this.#native?.isCached(file, position, bytes) === true;
  }

  readNow(into: Buffer, position: number): number {
    const file = this.#descriptor;
    return file === null ? -1 : (this.#native?.readCached(file, into, position) ?? -1);
  }

  /** The descriptor for the next call. Throws DiskError after the close. */
  #open(): number {
    if (this.#descriptor !== null) return this.#descriptor;
    throw this.#closed();
  }

  #closed(): DiskError {
    return new DiskError('io_error', this.path, 'the file is closed');
  }

  read(into: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let filled = 0;
      const next = (): void => {
        const file = this.#descriptor;
        if (file === null) {
          reject(this.#closed());
          return;
        }
        const rest = into.length - filled;
        fs.read(file, into, filled, rest, position + filled, (error, count) => {
          filled += count;
          // A short read is only the end of the file when nothing more comes.
          if (error !== null) reject(wrap(error, this.path));
          else if (count === 0 || filled === into.length) resolve(filled);
          else next();
        });
      };
      if (into.length === 0) resolve(0);
      else next();
    });
  }

  write(parts: readonly Buffer[], position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let rest = parts;
      let at = position;
      const next = (): void => {
        const file = this.#descriptor;
        if (file === null) {
          reject(this.#closed());
          return;
        }
        const now = rest.length > PARTS_PER_WRITE_MAX ? rest.slice(0, PARTS_PER_WRITE_MAX) : rest;
        const done = (error: NodeJS.ErrnoException | null, count: number): void => {
          if (error !== null) {
            reject(wrap(error, this.path));
            return;
          }
          at += count;
          rest = after(rest, count);
          if (rest.length === 0) resolve();
          else if (count > 0) next();
          else reject(new DiskError('io_error', this.path, 'the write made no progress'));
        };
        const [first] = now;
        if (first !== undefined && now.length === 1) {
          fs.write(file, first, 0, first.length, at, done);
        } else {
          fs.writev(file, now, at, done);
        }
      };
      if (parts.length === 0) resolve();
      else next();
    });
  }

  writeNow(parts: readonly Buffer[], position: number): boolean {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const startedMs = performance.now();
    if (!this.#prompt.allows(bytes, startedMs)) return false;
    try {
      let rest = parts;
      for (let at = position; rest.length > 0; ) {
        const count = this.#writeSome(rest, at);
        if (count === 0) throw new DiskError('io_error', this.path, 'the write made no progress');
        at += count;
        rest = after(rest, count);
      }
    } catch (error) {
      throw error instanceof DiskError ? error : wrap(error as NodeJS.ErrnoException, this.path);
    }
    this.#prompt.done(startedMs, performance.now());
    return true;
  }

  #writeSome(parts: readonly Buffer[], at: number): number {
    const [first] = parts;
    if (first !== undefined && parts.length === 1) {
      return fs.writeSync(this.#open(), first, 0, first.length, at);
    }
    const now = parts.length > PARTS_PER_WRITE_MAX ? parts.slice(0, PARTS_PER_WRITE_MAX) : parts;
    return fs.writevSync(this.#open(), now, at);
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#open(), (error) => {
        if (error === null) resolve();
        else reject(wrap(error, this.path));
      });
    });
  }

  truncate(bytes: number): Promise<void> {
    return call<void>(this.path, (done) =>
      fs.ftruncate(this.#open(), bytes, done as fs.NoParamCallback),
    );
  }

  async size(): Promise<number> {
    const stats = await call<fs.Stats>(this.path, (done) => fs.fstat(this.#open(), done));
    return stats.size;
  }

  close(): Promise<void> {
    const file = this.#descriptor;
    if (file === null) return Promise.resolve();
    this.#descriptor = null;
    return call<void>(this.path, (done) => fs.close(file, done as fs.NoParamCallback));
  }
}

/** What is left of `parts` once the first `count` bytes are written. */
function after(parts: readonly Buffer[], count: number): readonly Buffer[] {
  let skipped = 0;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as Buffer;
    if (skipped + part.length > count) {
      const rest = parts.slice(index);
      rest[0] = part.subarray(count - skipped);
      return rest;
    }
    skipped += part.length;
  }
  return [];
}

const flags = { read: 'r', write: 'r+', create: fs.constants.O_RDWR | fs.constants.O_CREAT };

function isThere(directory: string): Promise<boolean> {
  return new Promise((resolve) => {
    fs.access(directory, (error) => resolve(error?.code !== 'ENOENT'));
  });
}

/** A {@link Disk} on the machine's file system. Relative paths are below `root`. */
export class NodeDisk implements Disk {
  readonly root: string;
  readonly writesNow = true;
  readonly #prompt = new PromptWrites();
  readonly #native: NativeIo | null;

  /** With `native`, files tell what of them is in the page cache. */
  constructor(root: string, native: NativeIo | null = null) {
    this.root = path.resolve(root);
    this.#native = native;
  }

  async open(file: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const full = this.#full(file);
    const descriptor = await call<number>(full, (done) => fs.open(full, flags[mode], 0o644, done));
    return new NodeFile(full, descriptor, this.#prompt, this.#native);
  }

  async list(directory: string): Promise<readonly string[]> {
    const full = this.#full(directory);
    try {
      const names = await call<string[]>(full, (done) => fs.readdir(full, done));
      return names.sort();
    } catch (error) {
      if (error instanceof DiskError && error.code === 'not_found') return [];
      throw error;
    }
  }

  async makeDirectory(directory: string): Promise<void> {
    const full = this.#full(directory);
    // A root that was moved or unmounted under a running broker is not made again: what then went
    // to its old path would be acknowledged, and not be found after the next start.
    if (full !== this.root && !(await isThere(this.root))) {
      throw new DiskError('not_found', this.root, 'the data directory is gone');
    }
    await makeDirectories(full).catch((error: NodeJS.ErrnoException) => {
      throw wrap(error, full);
    });
  }

  async stat(file: string): Promise<FileStatus | undefined> {
    const full = this.#full(file);
    try {
      const stats = await call<fs.Stats>(full, (done) => fs.stat(full, done));
      const kind = stats.isDirectory() ? 'directory' : 'file';
      return { kind, bytes: stats.size, modifiedMs: stats.mtimeMs, links: stats.nlink };
    } catch (error) {
      if (error instanceof DiskError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  rename(from: string, to: string): Promise<void> {
    const source = this.#full(from);
    return call<void>(source, (done) =>
      fs.rename(source, this.#full(to), done as fs.NoParamCallback),
    );
  }

  remove(file: string): Promise<void> {
    const full = this.#full(file);
    return call<void>(full, (done) => fs.rm(full, { force: true }, done as fs.NoParamCallback));
  }

  removeDirectory(directory: string): Promise<void> {
    const full = this.#full(directory);
    const options = { force: true, recursive: true };
    return call<void>(full, (done) => fs.rm(full, options, done as fs.NoParamCallback));
  }

  async syncDirectory(directory: string): Promise<void> {
    // Windows cannot open directories; its file systems order names by themselves.
    if (process.platform === 'win32') return;
    const full = this.#full(directory);
    const descriptor = await call<number>(full, (done) => fs.open(full, 'r', done));
    const file = new NodeFile(full, descriptor, this.#prompt, null);
    try {
      await call<void>(full, (done) => fs.fsync(descriptor, done as fs.NoParamCallback));
    } finally {
      await file.close();
    }
  }

  async freeBytes(directory: string): Promise<number> {
    const full = this.#full(directory);
    const stats = await call<fs.StatsFs>(full, (done) => fs.statfs(full, done));
    return stats.bavail * stats.bsize;
  }

  #full(name: string): string {
    return path.resolve(this.root, name);
  }
}
