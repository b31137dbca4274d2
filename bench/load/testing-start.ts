// What `tidemark/testing` costs a test suite: importing it, the first broker after that, and one more.

import { join } from 'node:path';
import { projectRoot, runChild } from '../peers/index.ts';
import type { Figures, SuiteRun } from '../suite.ts';

const ROW = 'tidemark/testing: import and start';

/** Runs in a process of its own, since a module is imported once. CPU counts compiling in other threads too. */
const program = (module: string): string => `
  const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e3; };
  const before = cpuMs();
  const began = performance.now();
  const { startBroker } = await import(${JSON.stringify(module)});
  const imported = performance.now();
  const importCpuMs = cpuMs() - before;
  const broker = await startBroker();
  const started = performance.now();
  await broker.close();
  const again = performance.now();
  const second = await startBroker();
  const secondReadyMs = performance.now() - again;
  await second.close();
  const figures = { importMs: imported - began, importCpuMs, firstReadyMs: started - imported, secondReadyMs };
  console.log(JSON.stringify(figures));
`;

export async function runTestingStart(run: SuiteRun): Promise<void> {
  if (!ROW.includes(run.options.only)) return;
  const module = new URL(`file://${join(projectRoot(), 'dist/lib/testing.js')}`).href;
  run.describe(
    ROW,
    'plain Node on the built package, in memory, on a free port; goals 60 ms and 10 ms',
  );
  const rounds = run.options.rounds ?? (run.options.quick ? 1 : 15);
  for (let round = 0; round < rounds; round++) {
    const args = ['--input-type=module', '-e', program(module)];
    const { output } = await runChild(process.execPath, args, { timeoutMs: 60_000 });
    run.add('tidemark', ROW, JSON.parse(output) as Figures);
  }
}
