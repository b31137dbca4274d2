// What Linux says of processes and of the machine: processor time, memory, bytes read.

import { readFileSync } from 'node:fs';
import { cpuClock } from './cpu-clock.ts';

/** The kernel's USER_HZ, 100 on every common Linux. */
const TICKS_PER_SECOND = 100;

/** Elsewhere than on Linux, and for a process that is gone, all are NaN. */
export interface ProcessUsage {
  /** User and system time together, in seconds, as fine as {@link processorTimeSource} says. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Bytes that the process caused to be read from the disk. */
  readonly readBytes: number;
}

/** How fine processor time of processes is: `ns`, or `ticks` of 10 ms where nothing finer can be had. */
export const processorTimeSource = (): 'ns' | 'ticks' => (cpuClock() === null ? 'ticks' : 'ns');

export function usageOf(pid: number): ProcessUsage {
  try {
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return {
      cpuSeconds: cpuClock()?.ofProcess(pid) ?? (tick(pid, 11) + tick(pid, 12)) / TICKS_PER_SECOND,
      residentBytes: Number(resident?.[1] ?? Number.NaN) * 1024,
      readBytes: readBytesOf(pid),
    };
  } catch {
    const unknown = Number.NaN;
    return { cpuSeconds: unknown, residentBytes: unknown, readBytes: unknown };
  }
}

/** Field of /proc/PID/stat; counted from the closing parenthesis, since the command's name may hold spaces. */
function tick(pid: number | 'self', field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field]);
}

function readBytesOf(pid: number): number {
  try {
    const found = /^read_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'));
    return Number(found?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}

/** What the scheduler says of one thread, in seconds since it began. */
export interface ThreadUsage {
  readonly ranSeconds: number;
  /** It could have run, but others had the processors. */
  readonly waitedSeconds: number;
}

/** The process's first thread: of Node the one of the event loop. Elsewhere than on Linux both are NaN. */
export function firstThreadOf(pid: number): ThreadUsage {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
    const [ran = Number.NaN, waited = Number.NaN] = text.split(' ').map(Number);
    return { ranSeconds: ran / 1e9, waitedSeconds: waited / 1e9 };
  } catch {
    return { ranSeconds: Number.NaN, waitedSeconds: Number.NaN };
  }
}

/** Processor seconds of this machine and of this process since they began. */
export interface MachineUsage {
  /** Of all processes together. */
  readonly busySeconds: number;
  /** In which other virtual machines of the host had the processors that this one wanted. */
  readonly stolenSeconds: number;
  /** Of this process. */
  readonly ownSeconds: number;
  /** Of this process's children that have ended. */
  readonly childrenSeconds: number;
}

export function machineUsage(): MachineUsage {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
    // user nice system idle iowait irq softirq steal
    const fields = line.trim().split(/\s+/).slice(1).map(Number);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
    const own = process.cpuUsage();
    return {
      busySeconds: (user + nice + system + irq + softirq) / TICKS_PER_SECOND,
      stolenSeconds: steal / TICKS_PER_SECOND,
      ownSeconds: (own.user + own.system) / 1e6,
      childrenSeconds:
        cpuClock()?.ofChildren() ?? (tick('self', 13) + tick('self', 14)) / TICKS_PER_SECOND,
    };
  } catch {
    const unknown = Number.NaN;
    return {
      busySeconds: unknown,
      stolenSeconds: unknown,
      ownSeconds: unknown,
      childrenSeconds: unknown,
    };
  }
}
