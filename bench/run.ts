// `npm run bench -- [suites] [options]`: finds the suites in the table of suites.ts, runs them and keeps the result.
// bench/README.md says what each measures and how to add one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stackOfError, textOfError } from '../src/base/errors.ts';
import { readArguments, UsageError, unmatched, usage } from './arguments.ts';
import { installPeers, projectRoot } from './peers/index.ts';
import { Recording } from './recording.ts';
import { htmlFileOf, readReport, reportCommands } from './report/commands.ts';
import { compare, comparisonText } from './report/compare.ts';
import { htmlOf } from './report/html.ts';
import type { RowProfile } from './report/profile.ts';
import { type Report, textOf } from './report/result.ts';
import { judge } from './report/verdicts.ts';
import { TIDEMARK } from './suite.ts';
import { suites } from './suites.ts';

/** Writes the result and its report. */
function keep(report: Report, out: string | undefined): void {
  const name = `${report.date.slice(0, 19).replaceAll(':', '-')}.json`;
  const folder = report.quick
    ? join(tmpdir(), 'tidemark-bench')
    : join(projectRoot(), 'bench/results');
  const file = out ?? join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report)}\n`);
  writeFileSync(htmlFileOf(file), htmlOf(report));
  // A quick run shows that everything works, comparing among it: nothing is worse than itself.
  if (report.quick) process.stdout.write(comparisonText(compare(report, readReport(file))));
  process.stdout.write(`${textOf(report)}written to ${file} and ${htmlFileOf(file)}\n`);
}

/** Writes what a run has measured so far; null while there is none, and when the whole result was written. */
let keepUnfinished: (() => void) | null = null;

async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2));
  if (asked.help) {
    process.stdout.write(usage);
    return;
  }
  const [command = '', ...files] = asked.names;
  if (command === 'install') {
    process.exitCode = await installPeers(files, (line) => process.stdout.write(`${line}\n`));
    return;
  }
  const onResults = reportCommands[command];
  if (onResults !== undefined) {
    process.exitCode = onResults.run(files);
    return;
  }
  const recording = new Recording(asked.options, process.argv.slice(2), (line) =>
    process.stderr.write(`${line}\n`),
  );
  keepUnfinished = () => {
    const report = { ...recording.report(), interrupted: true } as const;
    if (report.results.length > 0) keep(report, asked.out);
  };
  const failed = await runSuites(asked.names, recording);
  const profiles = await profilesFor(recording);
  const report = {
    ...recording.report(),
    ...(failed && { interrupted: true as const }),
    profiles,
  };
  keepUnfinished = null;
  if (report.results.length > 0) keep(report, asked.out);
  // A suite that failed may not have come to the rest of its rows.
  const faults = failed ? [] : unmatched(asked.options);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (failed || faults.length > 0) process.exitCode = 2;
}

/** One after the other; what goes wrong in one does not cost the others. Answers whether something did. */
async function runSuites(names: readonly string[], recording: Recording): Promise<boolean> {
  let failed = false;
  for (const name of names) {
    try {
      const runner = await suites[name]?.load();
      recording.suite = name;
      await runner?.(recording);
    } catch (error) {
      failed = true;
      process.stderr.write(`${stackOfError(error)}\n`);
      recording.missing(`the rest of the suite ${name}`, String(error));
    }
  }
  return failed;
}

/** Why rows are as fast as they are: of those with goals that are not reached, or of all when asked. */
async function profilesFor(recording: Recording): Promise<RowProfile[]> {
  const { profile, quick } = recording.options;
  const report = recording.report();
  const ours = report.results.filter((one) => one.system === TIDEMARK.name);
  const missed = judge(report).flatMap(({ goal, reached }) =>
    reached ? [] : [{ row: goal.row, system: goal.ours ?? TIDEMARK.name }],
  );
  // A quick run reaches few goals, and shows nothing by that.
  const wanted = profile ? ours : quick ? [] : missed;
  if (wanted.length === 0) return [];
  const { profileRows } = await import('./load/profiling.ts');
  const { profileClients } = await import('./client/profiling.ts');
  const ofBrokers = await profileRows(recording, (row, system) =>
    wanted.some((one) => one.row === row && (profile || one.system === system)),
  );
  return [...ofBrokers, ...(await profileClients(recording, quick ? [] : missed))];
}

/** What was measured before a run was ended or went wrong. */
function keepMeasured(): void {
  keepUnfinished?.();
}

// Ended from outside, what was measured is kept, and the brokers that were started end too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    keepMeasured();
    process.exit(130);
  });
}
try {
  await main();
} catch (error) {
  // What was written wrong is no fault of the code.
  const text = error instanceof UsageError ? textOfError(error) : stackOfError(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 2;
  keepMeasured();
}
// Whatever a suite that failed has left open must not keep this process, and by it brokers and their data.
process.exit();
