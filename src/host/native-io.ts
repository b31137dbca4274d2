// System calls that Node does not offer, called through koffi (optional, prebuilt): sendfile(2) for answers that need
// not pass through our memory, two questions about the page cache, so that neither a send nor a read ever waits for the
// disk on the event loop, a thread's wish for short time slices, and giving free memory back. Linux 6.5 and later on
// 64-bit machines; elsewhere there is none of it, and bytes are read and written as usual.
//
// All calls are made on the event loop and, but for the last, return at once. None may be made from another thread: a
// descriptor that is closed meanwhile can belong to somebody else by then.

import { createRequire } from 'node:module';
import { textOfError } from '../base/errors.ts';
import { nodeClock } from './node-clock.ts';

/** What a send came to: bytes taken, or why none were. */
export type SendOutcome = number | 'full' | 'ended' | 'unsupported' | 'failed';

export interface NativeIo {
  /**
   * sendfile(2): bytes of the file from `position` into a socket. `full`: the socket takes nothing now. `ended`: the
   * file has nothing there. `unsupported`: not between these two. `failed`: the connection is broken.
   */
  sendFile(socket: number, file: number, position: number, bytes: number): SendOutcome;
  /** send(2). With `more`, what follows at once shares the packet (MSG_MORE). */
  send(socket: number, bytes: Uint8Array, more: boolean): SendOutcome;
  /** Chooses the congestion control of a TCP socket by its name; whether the system agreed. */
  setCongestionControl(socket: number, name: string): boolean;
  /** Whether all of the range is in the page cache now, and ready (cachestat(2)). */
  isCached(file: number, position: number, bytes: number): boolean;
  /** preadv2(2) with RWF_NOWAIT: bytes read, perhaps fewer than asked; -1 when they are not in the page cache. */
  readCached(file: number, into: Uint8Array, position: number): number;
  /**
   * Asks for time slices of so many nanoseconds, 100,000 at least, for a thread of this process (sched_setattr(2));
   * threads that it makes have the usual ones. False where the kernel takes no such wish (before Linux 6.12), or the
   * thread is under a policy without slices (chrt --idle, --fifo).
   */
  setTimeSlice(thread: number, nanoseconds: number): boolean;
  /**
   * malloc_trim(3): gives the system what is free in the memory of native code, which keeps it for later otherwise.
   * Takes milliseconds (decision 32). False where the C library has no such call (musl) or nothing was
   * free.
   */
  trimMemory(): boolean;
}

/** Why there is no native I/O here. */
export interface NoNativeIo {
  readonly lacks: 'platform' | 'missing' | 'kernel';
  readonly reason: string;
}

/** EAGAIN, EINTR: nothing now. */
const FULL: ReadonlySet<number> = new Set([11, 4]);
const EBADF = 9;
/** ENOSYS, EINVAL, EOPNOTSUPP, ENOTSOCK, EPERM: sendfile does not go between these two. */
const UNSUPPORTED: ReadonlySet<number> = new Set([38, 22, 95, 88, 1]);
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
const RWF_NOWAIT = 0x8;
/** The same on all architectures; since Linux 6.5. */
const SYS_CACHESTAT = 451;
const SC_PAGESIZE = 30;
/** sched_setattr(2); sched_getattr(2) is the next one. */
const SYS_SCHED_SETATTR: Readonly<Record<string, number>> = { x64: 314, ppc64: 355 };
const SYS_SCHED_SETATTR_ELSEWHERE = 274;
/** SCHED_OTHER and SCHED_BATCH. */
const SLICED: ReadonlySet<number | undefined> = new Set([0, 3]);
const SCHED_FLAG_RESET_ON_FORK = 1;
/** After the first answer of a broker that has just started. */
const LOAD_DELAY_MS = 100;
/** Read at once at most, into memory of a fixed address. */
const SCRATCH_BYTES = 64 * 1024;

const architectures: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64']);

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

let loaded: NativeIo | NoNativeIo | undefined;
let whenLoaded: ((io: NativeIo) => void)[] = [];

/** Loads it once; later calls answer the same. */
export function nativeIo(): NativeIo | NoNativeIo {
  if (loaded !== undefined) return loaded;
  loaded = load();
  const waiting = whenLoaded;
  whenLoaded = [];
  if (!('reason' in loaded)) for (const then of waiting) then(loaded);
  return loaded;
}

/** {@link nativeIo}, or null where there is none. */
export function nativeIoOrNull(): NativeIo | null {
  const io = nativeIo();
  return 'reason' in io ? null : io;
}

/**
 * {@link nativeIo} for those who can wait: now when it is loaded, else a moment later, so that a start and its first
 * answers do without the 6 ms that loading takes.
 */
export function whenNativeIoLoaded(then: (io: NativeIo | null) => void): void {
  if (loaded !== undefined) then(nativeIoOrNull());
  else nodeClock.setTimer(LOAD_DELAY_MS, () => then(nativeIoOrNull()));
}

/** For what nobody waits for: called once it is loaded, for whatever reason; never where there is none. */
export function onceNativeIoLoaded(then: (io: NativeIo) => void): void {
  if (loaded === undefined) whenLoaded.push(then);
  else if (!('reason' in loaded)) then(loaded);
}

/**
 * Loaded with the first file that is asked for, or soon after the first answer; until then sockets take nothing. Where
 * there is none, nothing is in the page cache and nothing can be sent.
 */
export const nativeIoWhenNeeded: NativeIo = {
  sendFile: (...args) => nativeIoOrNull()?.sendFile(...args) ?? 'unsupported',
  send(socket, bytes, more) {
    if (loaded === undefined) {
      loadSoon();
      return 'full';
    }
    return nativeIoOrNull()?.send(socket, bytes, more) ?? 'unsupported';
  },
  setCongestionControl: (...args) => nativeIoOrNull()?.setCongestionControl(...args) ?? false,
  isCached: (...args) => nativeIoOrNull()?.isCached(...args) ?? false,
  readCached: (...args) => nativeIoOrNull()?.readCached(...args) ?? -1,
  setTimeSlice: (...args) => nativeIoOrNull()?.setTimeSlice(...args) ?? false,
  trimMemory: () => nativeIoOrNull()?.trimMemory() ?? false,
};

let loadingSoon = false;

function loadSoon(): void {
  if (loadingSoon) return;
  loadingSoon = true;
  whenNativeIoLoaded(() => undefined);
}

function load(): NativeIo | NoNativeIo {
  if (process.platform !== 'linux' || !architectures.has(process.arch)) {
    return { lacks: 'platform', reason: `not on ${process.platform} ${process.arch}` };
  }
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return { lacks: 'missing', reason: 'koffi is not installed' };
  }
  try {
    return new LinuxIo(koffi);
  } catch (error) {
    return { lacks: 'kernel', reason: textOfError(error) };
  }
}

class LinuxIo implements NativeIo {
  readonly #errno: () => number;
  readonly #sendfile: (out: number, from: number, offset: Uint32Array, bytes: number) => number;
  readonly #send: (socket: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly #setsockopt: (
    socket: number,
    level: number,
    option: number,
    value: Uint8Array,
    length: number,
  ) => number;
  readonly #cachestat: (n: number, f: number, r: Uint32Array, s: Uint32Array, o: number) => number;
  readonly #preadv2: (
    file: number,
    vectors: BigUint64Array,
    count: number,
    position: number,
    flags: number,
  ) => number;
  readonly #schedule: (n: number, thread: number, a: Uint32Array, b: number, f: number) => number;
  /** Null where the C library has none. */
  readonly #mallocTrim: ((keptBytes: number) => number) | null;
  readonly #pageBytes: number;
  /** Arguments that the system reads and writes, used up within each call. */
  readonly #offset = new Uint32Array(2);
  readonly #range = new Uint32Array(4);
  /** struct cachestat: five 64-bit counts, of which the first is of pages in the cache. */
  readonly #counts = new Uint32Array(10);
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  readonly #vector = new BigUint64Array(2);
  /** struct sched_attr: size, policy, flags (64 bits), nice, priority, runtime (64 bits), and what is not for us. */
  readonly #attributes = new Uint32Array(14);

  constructor(koffi: Koffi) {
    const library = koffi.load(null);
    this.#errno = koffi.errno;
    this.#sendfile = library.func('int64 sendfile(int out, int from, void *offset, size_t bytes)');
    this.#send = library.func('int64 send(int socket, const void *bytes, size_t n, int flags)');
    this.#setsockopt = library.func(
      'int setsockopt(int socket, int level, int option, const void *value, uint32_t length)',
    );
    this.#cachestat = library.func('int64 syscall(int64 n, int64 file, void *r, void *s, int64 o)');
    this.#preadv2 = library.func(
      'int64 preadv2(int file, const void *vectors, int count, int64 position, int flags)',
    );
    this.#schedule = library.func(
      'int64 syscall(int64 n, int64 thread, void *a, int64 b, int64 f)',
    );
    this.#mallocTrim = mallocTrimOf(library);
    const sysconf = library.func('int64 sysconf(int name)') as (name: number) => number;
    this.#pageBytes = sysconf(SC_PAGESIZE);
    const known = this.#cachestat(SYS_CACHESTAT, -1, this.#range, this.#counts, 0);
    // A kernel that has the call says that -1 is no file.
    if (known !== -1 || this.#errno() !== EBADF) throw new Error('the kernel has no cachestat(2)');
    this.#vector[0] = BigInt(koffi.address(this.#scratch));
  }

  sendFile(socket: number, file: number, position: number, bytes: number): SendOutcome {
    put64(this.#offset, 0, position);
    const sent = this.#sendfile(socket, file, this.#offset, bytes);
    if (sent > 0) return sent;
    return sent === 0 ? 'ended' : this.#failure();
  }

  send(socket: number, bytes: Uint8Array, more: boolean): SendOutcome {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    const sent = this.#send(socket, bytes, bytes.byteLength, flags);
    return sent >= 0 ? sent : this.#failure();
  }

  setCongestionControl(socket: number, name: string): boolean {
    const value = Buffer.from(name);
    return this.#setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, value, value.length) === 0;
  }

  isCached(file: number, position: number, bytes: number): boolean {
    if (bytes <= 0) return true;
    put64(this.#range, 0, position);
    put64(this.#range, 2, bytes);
    const failed = this.#cachestat(SYS_CACHESTAT, file, this.#range, this.#counts, 0) !== 0;
    const first = Math.floor(position / this.#pageBytes);
    const last = Math.floor((position + bytes - 1) / this.#pageBytes);
    if (failed || (this.#counts[0] as number) < last - first + 1) return false;
    // Pages that are being read in count as cached; of those the last one comes last.
    return this.#readInto(file, position + bytes - 1, 1) === 1;
  }

  readCached(file: number, into: Uint8Array, position: number): number {
    const count = this.#readInto(file, position, Math.min(into.byteLength, SCRATCH_BYTES));
    if (count > 0) into.set(this.#scratch.subarray(0, count));
    return count;
  }

  setTimeSlice(thread: number, nanoseconds: number): boolean {
    const attributes = this.#attributes;
    const set = SYS_SCHED_SETATTR[process.arch] ?? SYS_SCHED_SETATTR_ELSEWHERE;
    const get = (): boolean =>
      this.#schedule(set + 1, thread, attributes, attributes.byteLength, 0) === 0;
    // Set anew as it is, but for the slice: its nice value is its owner's.
    if (!get() || !SLICED.has(attributes[1])) return false;
    put64(attributes, 2, SCHED_FLAG_RESET_ON_FORK);
    put64(attributes, 6, nanoseconds);
    // Kernels that know no such wish agree, and forget it.
    return (
      this.#schedule(set, thread, attributes, 0, 0) === 0 && get() && attributes[6] === nanoseconds
    );
  }

  trimMemory(): boolean {
    return this.#mallocTrim?.(0) === 1;
  }

  #readInto(file: number, position: number, bytes: number): number {
    this.#vector[1] = BigInt(bytes);
    return this.#preadv2(file, this.#vector, 1, position, RWF_NOWAIT);
  }

  #failure(): SendOutcome {
    const errno = this.#errno();
    if (FULL.has(errno)) return 'full';
    return UNSUPPORTED.has(errno) ? 'unsupported' : 'failed';
  }
}

function mallocTrimOf(library: Library): ((keptBytes: number) => number) | null {
  try {
    return library.func('int malloc_trim(size_t kept)');
  } catch {
    return null;
  }
}

/** Little endian, as all machines are that this runs on. */
function put64(into: Uint32Array, at: number, value: number): void {
  into[at] = value % 2 ** 32;
  into[at + 1] = Math.floor(value / 2 ** 32);
}
