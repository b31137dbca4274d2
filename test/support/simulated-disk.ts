// A disk that forgets what was not synced. Everything that is random comes from the seed.
//
// Each file has its content as programs see it and its content as it is on the platter, in sectors of 512 bytes. A sync
// brings the dirty sectors and the length over. `crash()` answers the disk after a power loss: each dirty sector, each
// changed length and each directory change since the last sync of that directory was kept or lost by chance. After a
// failed sync the dirty sectors count as clean although they are not on the platter, as on Linux: a later sync
// succeeds and saves nothing.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Disk, DiskError, type DiskFile, type FileStatus } from '../../src/storage/index.ts';
import {
  DirectoryNode,
  FileNode,
  grown,
  SECTOR,
  survivingFile,
  type TreeNode,
} from './simulated-files.ts';

/** Told of every operation before it happens; may throw a DiskError in its place. */
export type OperationHook = (operation: string, path: string) => void;

export interface SimulatedDiskOptions {
  readonly seed: number;
  /** Waits before each operation takes effect, so that operations overlap; default: one microtask. */
  readonly delay?: (random: SeededRandom) => Promise<void>;
  /** Bytes that fit; default: no bound. */
  readonly capacity?: number;
  /** Share of writes that it takes within a turn of the event loop where it is asked to; default: it has no such writes. */
  readonly writesNow?: number;
}

function full(path: string): DiskError {
  return new DiskError('disk_full', path, `${path}: no space left on the simulated disk`);
}

function missing(path: string): DiskError {
  return new DiskError('not_found', path, `${path}: no such file on the simulated disk`);
}

class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly descriptor = null;
  readonly #disk: SimulatedDisk;
  readonly #node: FileNode;

  constructor(disk: SimulatedDisk, path: string, node: FileNode) {
    this.#disk = disk;
    this.path = path;
    this.#node = node;
  }

  /** Mostly; so that both the short and the long way of a read are taken. */
  isCached(position: number): boolean {
    return (position >>> 12) % 8 !== 0;
  }

  readNow(into: Buffer, position: number): number {
    if (!this.isCached(position)) return -1;
    const end = Math.min(this.#node.length, position + into.length);
    return end <= position ? 0 : this.#node.data.copy(into, 0, position, end);
  }

  async read(into: Buffer, position: number): Promise<number> {
    await this.#disk.step('read', this.path);
    const end = Math.min(this.#node.length, position + into.length);
    return end <= position ? 0 : this.#node.data.copy(into, 0, position, end);
  }

  async write(parts: readonly Buffer[], position: number): Promise<void> {
    // Taken now: the caller may not change the bytes until we answer, but a crash must not see later changes.
    const bytes = Buffer.concat(parts);
    try {
      await this.#disk.step('write', this.path, () => this.#put(bytes, position, true));
      // A disk reads them at any time until it has answered: memory that is used again may not be changed sooner.
      if (!bytes.equals(Buffer.concat(parts)))
        this.#disk.misused(`${this.path}: changed during a write`);
      this.#put(bytes, position, false);
    } catch (error) {
      this.#putPart(bytes, position);
      throw error;
    }
  }

  writeNow(parts: readonly Buffer[], position: number): boolean {
    const bytes = Buffer.concat(parts);
    try {
      if (!this.#disk.stepNow('write', this.path)) return false;
      this.#put(bytes, position, false);
      return true;
    } catch (error) {
      this.#putPart(bytes, position);
      throw error;
    }
  }

  /** A write that failed may have reached the file in part. */
  #putPart(bytes: Buffer, position: number): void {
    const whole = this.#disk.random.below(Math.floor(bytes.length / SECTOR) + 1) * SECTOR;
    const room = this.#disk.capacity - this.#disk.used;
    const part = bytes.subarray(0, whole);
    const growth = Math.max(0, position + part.length - this.#node.length);
    if (part.length > 0 && growth <= room) this.#put(part, position, false);
  }

  /** With `torn`, only some of the sectors: the power went while they were written. */
  #put(bytes: Buffer, position: number, torn: boolean): void {
    const node = this.#node;
    const end = position + bytes.length;
    this.#disk.reserve(this.path, Math.max(0, end - node.length));
    node.data = grown(node.data, end);
    for (let sector = Math.floor(position / SECTOR); sector * SECTOR < end; sector++) {
      if (torn && this.#disk.random.chance(0.5)) continue;
      const from = Math.max(position, sector * SECTOR);
      const to = Math.min(end, (sector + 1) * SECTOR);
      bytes.copy(node.data, from, from - position, to - position);
      node.dirty.add(sector);
      node.stale.delete(sector);
    }
    node.length = Math.max(node.length, end);
  }

  async datasync(): Promise<void> {
    const node = this.#node;
    // What is written from now on is not promised by this sync, even if the disk takes it along.
    const taken = new Map<number, Buffer>();
    for (const sectors of [node.dirty, ...node.flying]) {
      for (const at of sectors) {
        taken.set(at, Buffer.from(node.data.subarray(at * SECTOR, (at + 1) * SECTOR)));
      }
    }
    const { length } = node;
    const flying = new Set(taken.keys());
    node.flying.add(flying);
    node.dirty.clear();
    try {
      await this.#disk.step('sync', this.path);
    } catch (error) {
      for (const sector of flying) if (!node.dirty.has(sector)) node.stale.add(sector);
      throw error;
    } finally {
      node.flying.delete(flying);
    }
    this.#disk.syncs++;
    node.platter = grown(node.platter, length);
    for (const [sector, bytes] of taken) bytes.copy(node.platter, sector * SECTOR);
    if (length < node.platterLength) node.platter.fill(0, length);
    node.platterLength = length;
  }

  async truncate(bytes: number): Promise<void> {
    await this.#disk.step('truncate', this.path);
    const node = this.#node;
    if (bytes > node.length) {
      this.#disk.reserve(this.path, bytes - node.length);
      node.data = grown(node.data, bytes);
    } else {
      this.#disk.reserve(this.path, bytes - node.length);
      node.data.fill(0, bytes);
      const last = Math.floor(bytes / SECTOR);
      for (const sector of [...node.dirty]) if (sector > last) node.dirty.delete(sector);
      for (let at = last; at * SECTOR < node.length; at++) node.dirty.add(at);
    }
    node.length = bytes;
  }

  async size(): Promise<number> {
    await this.#disk.step('size', this.path);
    return this.#node.length;
  }

  async close(): Promise<void> {}
}

/** See the head of this file. */
export class SimulatedDisk implements Disk {
  readonly random: SeededRandom;
  readonly writesNow: boolean;
  readonly #options: SimulatedDiskOptions;
  #root: DirectoryNode;
  #dead = false;
  #used = 0;
  #operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #onCrash: () => void = () => {};
  syncs = 0;
  /** Faults: throws what an operation is to fail with. */
  hook: OperationHook = () => {};
  /** Whether the power goes at this operation: a crash at a named point. */
  crashIf: (operation: string, path: string) => boolean = () => false;
  capacity: number;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
    this.writesNow = options.writesNow !== undefined;
    this.random = new SeededRandom(options.seed);
    this.#root = new DirectoryNode();
    this.capacity = options.capacity ?? Number.POSITIVE_INFINITY;
  }

  /** Hangs for ever once the power is gone, as everything does in a dead process. */
  alive(): Promise<void> {
    return this.#dead ? this.#never() : Promise.resolve();
  }

  get operations(): number {
    return this.#operations;
  }

  get used(): number {
    return this.#used;
  }

  /** Who is told when `crashIf` says so. */
  set onCrash(then: () => void) {
    this.#onCrash = then;
  }

  /** The power goes at the `operation`-th operation from now on; `then` is told. */
  crashAfter(operations: number, then: () => void): void {
    this.#crashAt = this.#operations + operations;
    this.#onCrash = then;
  }

  /** Lets an operation happen now: waits, counts, fails or dies. `torn` does half of a write as the power goes. */
  async step(operation: string, path: string, torn?: () => void): Promise<void> {
    if (this.#dead) return this.#never();
    await (this.#options.delay?.(this.random) ?? Promise.resolve());
    if (this.#dead) return this.#never();
    this.#operations++;
    if (this.#operations >= this.#crashAt || this.crashIf(operation, path)) {
      torn?.();
      this.#dead = true;
      this.#onCrash();
      return this.#never();
    }
    this.hook(operation, path);
  }

  /** Lets an operation happen within the turn; false where it is to wait, or to die, in {@link step}. */
  stepNow(operation: string, path: string): boolean {
    const { writesNow = 0 } = this.#options;
    if (this.#dead || !this.random.chance(writesNow)) return false;
    if (this.#operations + 1 >= this.#crashAt || this.crashIf(operation, path)) return false;
    this.#operations++;
    this.hook(operation, path);
    return true;
  }

  /** A mistake of the program: no error of the disk, which it may live with, but the end of the test run. */
  misused(how: string): void {
    queueMicrotask(() => {
      throw new Error(how);
    });
  }

  /** A dead process never hears from its disk again. */
  #never(): Promise<void> {
    return new Promise(() => {});
  }

  reserve(path: string, bytes: number): void {
    if (bytes > 0 && this.#used + bytes > this.capacity) throw full(path);
    this.#used += bytes;
  }

  /** The disk after a power loss now. This one is dead. */
  crash(seed = this.random.below(2 ** 31)): SimulatedDisk {
    this.#dead = true;
    const disk = new SimulatedDisk({ ...this.#options, seed });
    const files = new Map<FileNode, FileNode>();
    disk.#root = this.#survivor(this.#root, this.random, files);
    for (const file of files.values()) disk.#used += file.length;
    return disk;
  }

  #survivor(node: DirectoryNode, random: SeededRandom, files: Map<FileNode, FileNode>) {
    const entries = new Map(node.platter);
    for (const change of node.pending) if (random.chance(0.5)) change.apply(entries);
    const directory = new DirectoryNode();
    for (const [name, child] of entries) {
      if (child.kind === 'directory') {
        directory.entries.set(name, this.#survivor(child, random, files));
        continue;
      }
      const known = files.get(child) ?? survivingFile(child, random);
      files.set(child, known);
      directory.entries.set(name, known);
    }
    directory.platter = new Map(directory.entries);
    return directory;
  }

  /**
   * The process dies and the machine goes on: everything written is there, synced or not (kill -9). With
   * `writeBackFails`, that share of the unsynced sectors is then written back in vain, with nobody left to be told:
   * they can still be read, count as clean, and no later sync saves them.
   */
  kill(seed = this.random.below(2 ** 31), writeBackFails = 0): SimulatedDisk {
    this.#dead = true;
    if (writeBackFails > 0) this.#failWriteBack(this.#root, writeBackFails);
    const disk = new SimulatedDisk({ ...this.#options, seed });
    disk.#root = this.#root;
    disk.#used = this.#used;
    return disk;
  }

  #failWriteBack(node: DirectoryNode, share: number): void {
    for (const child of new Set(node.entries.values())) {
      if (child.kind === 'directory') {
        this.#failWriteBack(child, share);
        continue;
      }
      for (const sectors of [child.dirty, ...child.flying]) {
        for (const sector of sectors) {
          if (!this.random.chance(share)) continue;
          sectors.delete(sector);
          child.stale.add(sector);
        }
      }
    }
  }

  /** Memory is short: what counts as clean is dropped from the page cache, and read from the platter again. */
  evict(): void {
    for (const path of this.paths()) {
      const node = this.#find(path);
      if (node?.kind !== 'file') continue;
      for (const sector of node.stale) {
        const from = sector * SECTOR;
        node.data.fill(0, from, Math.min(from + SECTOR, node.data.length));
        if (from < node.platter.length) node.platter.copy(node.data, from, from, from + SECTOR);
      }
      node.stale.clear();
    }
  }

  /**
   * Makes `to` a file of the bytes of `from` at `position` on, as a clone on a copy-on-write file system is: what of
   * them is only in the page cache stays only there.
   */
  clone(from: string, position: number, to: string): void {
    const node = this.#find(from);
    const { parent, name } = this.#parent(to);
    if (node?.kind !== 'file' || parent === undefined) throw missing(from);
    const made = new FileNode();
    made.data = Buffer.from(node.data.subarray(position, node.length));
    made.length = made.data.length;
    made.platter = Buffer.alloc(made.length);
    node.platter.copy(made.platter, 0, position, node.length);
    made.platterLength = made.length;
    for (let at = 0; at * SECTOR < made.length; at++) {
      const [start, end] = [at * SECTOR, Math.min((at + 1) * SECTOR, made.length)];
      if (made.data.compare(made.platter, start, end, start, end) !== 0) made.stale.add(at);
    }
    this.#used += made.length;
    parent.change((entries) => entries.set(name, made));
  }

  /** Turns one bit of a file over, on the platter and in the cache. */
  flipBit(path: string, position: number, bit = 0): void {
    const node = this.#find(path);
    if (node?.kind !== 'file' || position >= node.length) throw missing(path);
    node.data[position] = (node.data[position] as number) ^ (1 << bit);
    if (position < node.platter.length) {
      node.platter[position] = (node.platter[position] as number) ^ (1 << bit);
    }
  }

  /** Paths of all files, as programs see them. */
  paths(): string[] {
    const found: string[] = [];
    const walk = (node: DirectoryNode, prefix: string): void => {
      for (const [name, child] of node.entries) {
        if (child.kind === 'file') found.push(prefix + name);
        else walk(child, `${prefix}${name}/`);
      }
    };
    walk(this.#root, '');
    return found.sort();
  }

  /** Length of a file, 0 when it is missing. */
  bytesOf(path: string): number {
    const node = this.#find(path);
    return node?.kind === 'file' ? node.length : 0;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await this.step('open', path);
    let node = this.#find(path);
    if (node === undefined) {
      const { parent, name } = this.#parent(path);
      if (mode !== 'create' || parent === undefined) throw missing(path);
      const made = new FileNode();
      parent.change((entries) => entries.set(name, made));
      node = made;
    }
    if (node.kind !== 'file') throw new DiskError('io_error', path, `${path} is a directory`);
    return new SimulatedFile(this, path, node);
  }

  async list(directory: string): Promise<readonly string[]> {
    await this.step('list', directory);
    const node = this.#find(directory);
    return node?.kind === 'directory' ? [...node.entries.keys()].sort() : [];
  }

  async makeDirectory(path: string): Promise<void> {
    await this.step('mkdir', path);
    let at = this.#root;
    for (const name of parts(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        const made = new DirectoryNode();
        at.change((entries) => entries.set(name, made));
        next = made;
      }
      if (next.kind !== 'directory') throw new DiskError('io_error', path, `${name} is a file`);
      at = next;
    }
  }

  async stat(path: string): Promise<FileStatus | undefined> {
    await this.step('stat', path);
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const bytes = node.kind === 'file' ? node.length : 0;
    return { kind: node.kind, bytes, modifiedMs: 0, links: 1 };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('rename', from);
    const node = this.#find(from);
    const source = this.#parent(from);
    const target = this.#parent(to);
    if (node === undefined || source.parent === undefined || target.parent === undefined) {
      throw missing(from);
    }
    const move = (entries: Map<string, TreeNode>): void => {
      if (entries.get(source.name) === node) entries.delete(source.name);
      entries.set(target.name, node);
    };
    // One change, kept or lost as one: rename is atomic on every file system we run on.
    if (source.parent === target.parent) {
      source.parent.change(move);
      return;
    }
    source.parent.change((entries) => entries.delete(source.name));
    target.parent.change((entries) => entries.set(target.name, node));
  }

  async remove(path: string): Promise<void> {
    await this.step('remove', path);
    const node = this.#find(path);
    const { parent, name } = this.#parent(path);
    if (node === undefined || parent === undefined) return;
    if (node.kind !== 'file') throw new DiskError('io_error', path, `${path} is a directory`);
    this.#used -= node.length;
    parent.change((entries) => entries.delete(name));
  }

  async removeDirectory(path: string): Promise<void> {
    await this.step('rmdir', path);
    const { parent, name } = this.#parent(path);
    parent?.change((entries) => entries.delete(name));
  }

  async syncDirectory(path: string): Promise<void> {
    const node = this.#find(path);
    const until = node?.kind === 'directory' ? node.changes : 0;
    const entries = new Map(node?.kind === 'directory' ? node.entries : []);
    await this.step('syncdir', path);
    if (node?.kind !== 'directory') throw missing(path);
    node.settle(until, entries);
  }

  async freeBytes(): Promise<number> {
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, this.capacity - this.#used));
  }

  #find(path: string): TreeNode | undefined {
    let at: TreeNode = this.#root;
    for (const name of parts(path)) {
      const next: TreeNode | undefined = at.kind === 'directory' ? at.entries.get(name) : undefined;
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  #parent(path: string): { parent: DirectoryNode | undefined; name: string } {
    const names = parts(path);
    const name = names.pop() ?? '';
    const node = this.#find(names.join('/'));
    return { parent: node?.kind === 'directory' ? node : undefined, name };
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
