// `npm run bench -- micro`: every micro-benchmark, one after the other.

import type { Bench } from 'tinybench';
import { useAccelerators } from '../../src/host/accelerators.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { type Subject, type SuiteRun, wants } from '../suite.ts';
import { fullTiming, quickTiming, type Timing } from './timing.ts';

const MICRO: Subject = { name: 'micro', ours: true };

type MicroSuite = (timing: Timing) => Bench | Promise<Bench>;

/** A new one is one row: its name and where it is. */
const microSuites: Readonly<Record<string, () => Promise<MicroSuite>>> = {
  varint: async () => (await import('./varint.bench.ts')).varintSuite,
  crc32c: async () => (await import('./crc.bench.ts')).crcSuite,
  record: async () => (await import('./record.bench.ts')).recordSuite,
  codecs: async () => (await import('./codecs.bench.ts')).codecsSuite,
  protocol: async () => (await import('./protocol.bench.ts')).protocolSuite,
  keys: async () => (await import('./keys.bench.ts')).keysSuite,
  index: async () => (await import('./offset-index.bench.ts')).offsetIndexSuite,
  append: async () => (await import('./append.bench.ts')).appendSuite,
};

/**
 * Adds each task as a row. `--only`: part of a suite's name. The median is what to compare: the mean holds every pause
 * of the machine.
 */
export async function runMicro(run: SuiteRun): Promise<void> {
  const { quick } = run.options;
  const wanted = Object.entries(microSuites).filter(([name]) => wants(run.options, name));
  if (wanted.length === 0) return;
  useAccelerators();
  await prepareCodec('zstd');
  for (const [name, load] of wanted) {
    const suite = await load();
    const bench = await suite(quick ? quickTiming : fullTiming);
    await bench.run();
    for (const task of bench.tasks) addTask(run, `${name}: ${task.name}`, task.result);
  }
}

function addTask(run: SuiteRun, name: string, result: Bench['tasks'][number]['result']): void {
  if (result.state === 'errored') throw result.error;
  if (!('latency' in result)) throw new Error(`${name} did not run`);
  const { p50, mean } = result.latency;
  run.add(MICRO, name, { medianNanoseconds: p50 * 1e6, meanNanoseconds: mean * 1e6 });
}
