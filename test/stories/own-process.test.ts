// A broker with a process of its own makes V8's threads less urgent, and asks Linux for short time slices for the others
// once it has answered; the library leaves the process that embeds it alone. What the system has noted is read with
// sched_getattr(2).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, describe, expect, test } from 'vitest';
import { nativeIoOrNull } from '../../src/host/native-io.ts';
import { open } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { bin, scratch, serve, tidemark } from './support.ts';

/** `slice`: nanoseconds, 0 before Linux 6.12. */
interface Schedule {
  readonly policy: number;
  readonly nice: number;
  readonly slice: number;
}

function scheduleOf(thread: number): Schedule {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const call = koffi
    .load(null)
    .func('int64 syscall(int64 n, int64 thread, void *a, int64 b, int64 f)');
  const numbers: Record<string, number> = { x64: 315, ppc64: 356 };
  const attributes = new Uint32Array(14);
  call(numbers[process.arch] ?? 275, thread, attributes, attributes.byteLength, 0);
  return {
    policy: Number(attributes[1]),
    nice: Number(attributes[4]),
    slice: Number(attributes[6]),
  };
}

function schedulesOf(pid: number): Schedule[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => scheduleOf(Number(thread)));
}

const slicesOf = (pid: number): Set<number> => new Set(schedulesOf(pid).map((one) => one.slice));

/** Of this process, which those that it starts inherit: suites may run less urgently than others. */
const own = scheduleOf(process.pid).nice;
const NICE_MAX = 19;

const takesWishes = nativeIoOrNull() !== null && scheduleOf(process.pid).slice > 0;

describe.runIf(takesWishes)('time slices', () => {
  const directory = scratch();
  afterAll(() => directory.remove());

  test("are short in a broker that has answered, but for V8's threads, which are less urgent", async ({
    skip,
  }) => {
    if (own === NICE_MAX) skip('nothing is less urgent than this process');
    const broker = await serve(['--data', `${directory.path}/data`]);
    try {
      const pid = broker.child.pid as number;
      expect(slicesOf(pid)).not.toContain(100_000);
      // Four of V8's and the one that wakes them late, at least; the event loop and libuv's pool are none of them.
      const helpers = schedulesOf(pid).filter(({ nice }) => nice > own).length;
      expect(helpers).toBeGreaterThan(3);
      expect(helpers).toBeLessThan(schedulesOf(pid).length - 1);
      const asked = broker.run(['topic', 'create', 'first']);
      // Where somebody has put this machine's processes aside for the moment, they have no slices to wish for.
      const aside = (): boolean => schedulesOf(pid).some(({ policy }) => policy !== 0);
      const urgent = ({ nice }: Schedule): boolean => nice === own;
      const short = (): boolean =>
        schedulesOf(pid).every((one) => urgent(one) === (one.slice === 100_000));
      await eventually(() => expect(aside() || short()).toBe(true));
      if (aside()) skip('under another policy');
      await asked;
    } finally {
      await broker.stop();
    }
  });

  test.each([
    // By its other name it is the same command.
    { command: 'start', more: 1 },
    // Whoever starts it less urgently gets all of it less urgently.
    { command: 'serve', more: 12 },
    // There is nothing less urgent, but they are known all the same.
    { command: 'serve', more: NICE_MAX },
  ])("never go to V8's threads, under $command and nice -n $more either", async (how) => {
    const { command, more } = how;
    const nice = Math.min(NICE_MAX, own + more);
    const helpers = Math.min(NICE_MAX, nice + 10);
    const args = [command, '--json', '--port', '0', '--data', `${directory.path}/nice-${more}`];
    const child = spawn('nice', ['-n', String(more), process.execPath, bin, ...args]);
    try {
      const [line] = await once(child.stdout, 'data');
      const pid = child.pid as number;
      expect(scheduleOf(pid).nice).toBe(nice);
      expect(schedulesOf(pid).filter((one) => one.nice === helpers).length).toBeGreaterThan(3);
      const { bootstrap } = JSON.parse(String(line)) as { bootstrap: string };
      await tidemark(['topic', 'create', 'first', '-b', bootstrap]);
      const aside = (): boolean => schedulesOf(pid).some(({ policy }) => policy !== 0);
      const short = (): Schedule[] => schedulesOf(pid).filter(({ slice }) => slice === 100_000);
      // The event loop and libuv's pool.
      await eventually(() => expect(aside() || short().length > 8).toBe(true));
      expect(short().every((one) => one.nice === nice)).toBe(true);
      expect(short().length).toBeLessThan(schedulesOf(pid).length - 3);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  test('are as they were where the library is embedded', async () => {
    const before = slicesOf(process.pid);
    const log = await open(`${directory.path}/embedded`);
    try {
      const producer = log.producer();
      await producer.send({ topic: 'first', value: 'x' });
      expect(slicesOf(process.pid)).toEqual(before);
    } finally {
      await log.close();
    }
  });
});
