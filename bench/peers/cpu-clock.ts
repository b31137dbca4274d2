// Processor time of processes as the scheduler counts it, in nanoseconds: the kernel's clock of each process
// (clock_getcpuclockid(3), threads that have ended too), and getrusage(2) of children. Called through koffi, which is
// optional; without it, and elsewhere than on 64-bit Linux, there is no such clock.

import { createRequire } from 'node:module';

export interface CpuClock {
  /** User and system time together, in seconds. NaN for a process that is gone. */
  ofProcess(pid: number): number;
  /** Of this process's children that have ended and were waited for, in seconds. */
  ofChildren(): number;
}

/** In a clock's number: of a process, not of a thread, and as the scheduler counts it (CPUCLOCK_SCHED). */
const SCHEDULED = 2;
const RUSAGE_CHILDREN = -1;
/** struct rusage, of 64-bit words: seconds and microseconds of user time, of system time, and what is not for us. */
const RUSAGE_WORDS = 18;
const NARROW: readonly string[] = ['arm', 'ia32', 'mips', 'mipsel'];

/** Null where there is none. */
export function cpuClock(): CpuClock | null {
  clock ??= { found: load() };
  return clock.found;
}

let clock: { readonly found: CpuClock | null } | undefined;

function load(): CpuClock | null {
  if (process.platform !== 'linux' || NARROW.includes(process.arch)) return null;
  try {
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    const getTime = library.func('int clock_gettime(int clock, void *time)');
    const getUsage = library.func('int getrusage(int who, void *usage)');
    const time = new BigInt64Array(2);
    const usage = new BigInt64Array(RUSAGE_WORDS);
    const seconds = (words: BigInt64Array, at: number, perSecond: number): number =>
      Number(words[at]) + Number(words[at + 1]) / perSecond;
    return {
      ofProcess: (pid) =>
        getTime((~pid << 3) | SCHEDULED, time) === 0 ? seconds(time, 0, 1e9) : Number.NaN,
      ofChildren: () =>
        getUsage(RUSAGE_CHILDREN, usage) === 0
          ? seconds(usage, 0, 1e6) + seconds(usage, 2, 1e6)
          : Number.NaN,
    };
  } catch {
    return null;
  }
}
