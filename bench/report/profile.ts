// Where our broker's processor time went, from the profiles that V8 writes (`node --cpu-prof`), and which system calls
// it made, from `strace -c`. What a goal that is not reached is looked at with.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface HotFunction {
  readonly name: string;
  /** File and line below the project, or Node's module. */
  readonly place: string;
  /** Of the time that was not idle, 0 to 1. */
  readonly share: number;
}

export interface SystemCall {
  readonly name: string;
  readonly calls: number;
  readonly errors: number;
  /** Of the time in all system calls, 0 to 1. */
  readonly share: number;
}

/** Why a row of ours is as fast as it is. */
export interface RowProfile {
  readonly row: string;
  /** Which of our settings; older results have only those of `tidemark`. */
  readonly system?: string;
  /** Of the event loop's thread, the hottest first. */
  readonly functions: readonly HotFunction[];
  /** Of all threads, in a run of its own (strace slows it down), the dearest first; none where strace is missing. */
  readonly calls: readonly SystemCall[];
}

/** A stretch of time on the machine's monotonic clock (CLOCK_MONOTONIC), in microseconds. */
export interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
}

/** What is used of a .cpuprofile. */
export interface CpuProfile {
  /** On the machine's monotonic clock, in microseconds. */
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples?: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[];
}

const FUNCTIONS = 25;
const CALLS = 15;
const ALWAYS: Stretch = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };

type CallFrame = CpuProfile['nodes'][number]['callFrame'];
/** The source map of a file by its URL; null where there is none. */
type FindMap = (url: string) => SourceMap | null;

/** Reads each map once. */
function mapsBesideFiles(): FindMap {
  const known = new Map<string, SourceMap | null>();
  return (url) => {
    let map = known.get(url);
    if (map === undefined) {
      const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
      map = existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : null;
      known.set(url, map);
    }
    return map;
  };
}

/** In the sources where the file tells (what we ship is bundled), else in the file that ran. */
function placeOf({ url, lineNumber, columnNumber }: CallFrame, mapOf: FindMap): string {
  if (url === '') return 'V8';
  const entry = mapOf(url)?.findEntry(lineNumber, columnNumber);
  if (entry !== undefined && 'originalSource' in entry) {
    return `${entry.originalSource.replace(/^(\.\.\/)+/, '')}:${entry.originalLine + 1}`;
  }
  const file = url.replace(/^.*\/dist\//, '').replace(/^file:\/\//, '');
  return `${file}:${lineNumber + 1}`;
}

/** The functions with the most time of their own over all profiles within the stretch, the hottest first. */
export function hotFunctions(
  profiles: readonly CpuProfile[],
  { fromUs, toUs }: Stretch = ALWAYS,
): HotFunction[] {
  const times = new Map<string, { name: string; place: string; time: number }>();
  const mapOf = mapsBesideFiles();
  let busy = 0;
  for (const { nodes, startTime, samples = [], timeDeltas = [] } of profiles) {
    let at = startTime;
    const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
    for (const [index, id] of samples.entries()) {
      const frame = frames.get(id);
      const time = timeDeltas[index] ?? 0;
      at += time;
      if (frame === undefined || frame.functionName === '(idle)') continue;
      if (at < fromUs || at > toUs) continue;
      busy += time;
      const place = placeOf(frame, mapOf);
      const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
      const known = times.get(`${name} ${place}`) ?? { name, place, time: 0 };
      known.time += time;
      times.set(`${name} ${place}`, known);
    }
  }
  return [...times.values()]
    .sort((a, b) => b.time - a.time)
    .slice(0, FUNCTIONS)
    .map(({ name, place, time }) => ({ name, place, share: Number((time / busy).toFixed(4)) }));
}

/** The profile of the row on that system of ours. */
export function profileOf(
  profiles: readonly RowProfile[] | undefined,
  row: string,
  system: string,
): RowProfile | undefined {
  return profiles?.find((one) => one.row === row && systemOf(one) === system);
}

export const systemOf = ({ system = 'tidemark' }: RowProfile): string => system;

/** `CPU.<day>.<time>.<process>.<thread>.<number>.cpuprofile`: V8 writes one for each thread, the main one is 0. */
const MAIN_THREAD = /\.0\.\d+\.cpuprofile$/;

/** Reads the profiles of event loops in a folder: what worker threads do is none of theirs. */
export function profilesIn(folder: string): CpuProfile[] {
  return readdirSync(folder)
    .filter((name) => MAIN_THREAD.test(name))
    .map((name): CpuProfile => JSON.parse(readFileSync(join(folder, name), 'utf8')));
}

/** What `strace -c` wrote: percent, seconds, microseconds a call, calls, errors if any, name. */
export function systemCallsOf(summary: string): SystemCall[] {
  const line = /^\s*([\d.]+)\s+[\d.]+\s+\d+\s+(\d+)(?:\s+(\d+))?\s+(\w+)$/gm;
  return [...summary.matchAll(line)]
    .map(([, percent, calls, errors = 0, name = '']) => ({
      name,
      calls: Number(calls),
      errors: Number(errors),
      share: Number(percent) / 100,
    }))
    .filter(({ name }) => name !== 'total')
    .sort((a, b) => b.share - a.share)
    .slice(0, CALLS);
}
