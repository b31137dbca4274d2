// `npm run bench -- micro`: every micro-benchmark, one after the other.

import type { Bench } from 'tinybench';
import { loadAccelerators } from '../../src/host/accelerators.ts';
import type { SuiteRun } from '../suite.ts';

type Suite = () => Bench | Promise<Bench>;

/** Runs the suites of every module and prints one table each. `--only`: part of a suite's name. */
export async function runMicro({ options: { only } }: SuiteRun): Promise<void> {
  loadAccelerators();
  for (const load of modules) {
    for (const [name, suite] of Object.entries(await load()) as [string, Suite][]) {
      if (!name.endsWith('Suite') || !name.toLowerCase().includes(only.toLowerCase())) continue;
      const bench = await suite();
      await bench.run();
      process.stdout.write(`\n${name.replace(/Suite$/, '')}\n`);
      console.table(bench.table());
    }
  }
}

const modules: readonly (() => Promise<object>)[] = [
  () => import('./varint.bench.ts'),
  () => import('./crc.bench.ts'),
  () => import('./record.bench.ts'),
  () => import('./codecs.bench.ts'),
  () => import('./protocol.bench.ts'),
  () => import('./offset-index.bench.ts'),
];
