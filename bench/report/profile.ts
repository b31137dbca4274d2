// Where our broker's processor time went, from the profiles that V8 writes (`node --cpu-prof`): the functions with the
// most time of their own. What a goal that is not reached is looked at with.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HotFunction {
  readonly name: string;
  /** File and line below the project, or Node's module. */
  readonly place: string;
  /** Of the time that was not idle, 0 to 1. */
  readonly share: number;
}

/** What is used of a .cpuprofile. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples?: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas?: readonly number[];
}

const FUNCTIONS = 30;

function placeOf(url: string, line: number): string {
  if (url === '') return 'V8';
  const file = url.replace(/^.*\/dist\//, '').replace(/^file:\/\//, '');
  return `${file}:${line + 1}`;
}

/** The functions with the most time of their own over all profiles, the hottest first. */
export function hotFunctions(profiles: readonly CpuProfile[]): HotFunction[] {
  const times = new Map<string, { name: string; place: string; time: number }>();
  let busy = 0;
  for (const { nodes, samples = [], timeDeltas = [] } of profiles) {
    const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
    for (const [index, id] of samples.entries()) {
      const frame = frames.get(id);
      const time = timeDeltas[index] ?? 0;
      if (frame === undefined || frame.functionName === '(idle)') continue;
      busy += time;
      const place = placeOf(frame.url, frame.lineNumber);
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

/** Reads every profile of a folder. */
export function profilesIn(folder: string): CpuProfile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name): CpuProfile => JSON.parse(readFileSync(join(folder, name), 'utf8')));
}
