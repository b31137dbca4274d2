// A disk in memory: for `--memory`, and for tests that need no faults. Nothing is ever lost until the process ends.

import { type Disk, DiskError, type DiskFile, type FileStatus } from './disk.ts';

const CAPACITY_MIN = 4096;

/** The bytes of one file; an open handle keeps them when the name is renamed or removed. */
class Node {
  bytes: Buffer = Buffer.alloc(0);
  length = 0;
  modifiedMs = 0;

  reserve(end: number): void {
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2, CAPACITY_MIN));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    if (end > this.length) this.length = end;
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly descriptor = null;
  readonly #node: Node;
  readonly #now: () => number;

  constructor(path: string, node: Node, now: () => number) {
    this.path = path;
    this.#node = node;
    this.#now = now;
  }

  isCached(): boolean {
    return true;
  }

  readNow(into: Buffer, position: number): number {
    return this.#copy(into, position);
  }

  async read(into: Buffer, position: number): Promise<number> {
    return this.#copy(into, position);
  }

  #copy(into: Buffer, position: number): number {
    const end = Math.min(this.#node.length, position + into.length);
    if (end <= position) return 0;
    return this.#node.bytes.copy(into, 0, position, end);
  }

  async write(parts: readonly Buffer[], position: number): Promise<void> {
    let total = 0;
    for (const part of parts) total += part.length;
    this.#node.reserve(position + total);
    let at = position;
    for (const part of parts) at += part.copy(this.#node.bytes, at);
    this.#node.modifiedMs = this.#now();
  }

  async datasync(): Promise<void> {}

  async truncate(bytes: number): Promise<void> {
    if (bytes < this.#node.length) this.#node.bytes.fill(0, bytes, this.#node.length);
    this.#node.reserve(bytes);
    this.#node.length = bytes;
    this.#node.modifiedMs = this.#now();
  }

  async size(): Promise<number> {
    return this.#node.length;
  }

  async close(): Promise<void> {}
}

/** Parent directory of a path; '' for a name at the top. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** Drops a leading `./` and trailing slashes, so that one file has one name. */
function clean(path: string): string {
  const trimmed = path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
  return trimmed === '.' ? '' : trimmed;
}

/** A {@link Disk} that keeps everything in memory. `now` stamps files (default: always 0). */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Node>();
  readonly #directories = new Set<string>(['']);
  readonly #now: () => number;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const name = clean(path);
    let node = this.#files.get(name);
    if (node === undefined) {
      if (mode !== 'create' || !this.#directories.has(parentOf(name))) throw missing(path);
      node = new Node();
      node.modifiedMs = this.#now();
      this.#files.set(name, node);
    }
    return new MemoryFile(path, node, this.#now);
  }

  async list(directory: string): Promise<readonly string[]> {
    const base = clean(directory);
    const names: string[] = [];
    for (const path of this.#files.keys()) if (parentOf(path) === base) names.push(path);
    for (const path of this.#directories) {
      if (path !== '' && parentOf(path) === base) names.push(path);
    }
    return names.map((path) => path.slice(base === '' ? 0 : base.length + 1)).sort();
  }

  async makeDirectory(path: string): Promise<void> {
    for (let name = clean(path); !this.#directories.has(name); name = parentOf(name)) {
      if (this.#files.has(name)) throw new DiskError('io_error', path, `${name} is a file`);
      this.#directories.add(name);
    }
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    const name = clean(path);
    const node = this.#files.get(name);
    if (node !== undefined) {
      return { kind: 'file', bytes: node.length, modifiedMs: node.modifiedMs };
    }
    if (!this.#directories.has(name)) return undefined;
    return { kind: 'directory', bytes: 0, modifiedMs: 0 };
  }

  async rename(from: string, to: string): Promise<void> {
    const source = clean(from);
    const target = clean(to);
    if (!this.#directories.has(parentOf(target))) throw missing(to);
    const node = this.#files.get(source);
    if (node !== undefined) {
      this.#files.delete(source);
      this.#files.set(target, node);
      return;
    }
    if (!this.#directories.has(source)) throw missing(from);
    if (this.#directories.has(target)) throw new DiskError('io_error', to, `${to} exists`);
    this.#renameDirectory(source, target);
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(clean(path));
  }

  async removeDirectory(path: string): Promise<void> {
    const name = clean(path);
    for (const file of [...this.#files.keys()]) {
      if (file.startsWith(`${name}/`)) this.#files.delete(file);
    }
    for (const directory of [...this.#directories]) {
      if (directory === name || directory.startsWith(`${name}/`)) {
        this.#directories.delete(directory);
      }
    }
  }

  async syncDirectory(path: string): Promise<void> {
    if (!this.#directories.has(clean(path))) throw missing(path);
  }

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }

  #renameDirectory(source: string, target: string): void {
    for (const [path, file] of [...this.#files]) {
      if (!path.startsWith(`${source}/`)) continue;
      this.#files.delete(path);
      this.#files.set(target + path.slice(source.length), file);
    }
    for (const directory of [...this.#directories]) {
      if (directory !== source && !directory.startsWith(`${source}/`)) continue;
      this.#directories.delete(directory);
      this.#directories.add(target + directory.slice(source.length));
    }
  }
}

function missing(path: string): DiskError {
  return new DiskError('not_found', path, `${path}: no such file or directory`);
}
