// What `tidemark/testing` costs a test suite: importing it, the first broker after that, and one more.

import { join } from 'node:path';
import { projectRoot, runChild } from '../peers/index.ts';
import { type Figures, type SuiteRun, TIDEMARK, wants } from '../suite.ts';

/** Row → what the broker is started with. */
const ROWS = {
  'tidemark/testing: import and start': '{}',
  'tidemark/testing: import and start with a topic': '{ topics: { orders: 3 } }',
};

/** Runs in a process of its own, since a module is imported once. CPU counts compiling in other threads too. */
const program = (module: string, options: string): string => `
  const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e3; };
  const before = cpuMs();
  const began = performance.now();
  const { startBroker } = await import(${JSON.stringify(module)});
  const imported = performance.now();
  const importCpuMs = cpuMs() - before;
  const broker = await startBroker(${options});
  const started = performance.now();
  await broker.close();
  const again = performance.now();
  const second = await startBroker(${options});
  const secondReadyMs = performance.now() - again;
  await second.close();
  const figures = { importMs: imported - began, importCpuMs, firstReadyMs: started - imported, secondReadyMs };
  console.log(JSON.stringify(figures));
`;

export async function runTestingStart(run: SuiteRun): Promise<void> {
  const module = new URL(`file://${join(projectRoot(), 'dist/lib/testing.js')}`).href;
  const rows = Object.entries(ROWS).filter(([name]) => wants(run.options, name));
  for (const [name] of rows) {
    run.describe(
      name,
      'plain Node on the built package, in memory, on a free port; goals 60 ms and 10 ms',
    );
  }
  const rounds = run.options.rounds ?? (run.options.quick ? 1 : 11);
  for (let round = 0; round < rounds; round++) {
    for (const [name, options] of rows) {
      const args = ['--input-type=module', '-e', program(module, options)];
      const { output } = await runChild(process.execPath, args, { timeoutMs: 60_000 });
      run.add(TIDEMARK, name, JSON.parse(output) as Figures);
    }
  }
}
