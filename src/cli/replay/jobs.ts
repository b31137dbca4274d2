// tidemark replay list | show | pause | resume | cancel

import type { Command } from 'commander';
import { JobStore, offsetsIn } from '../../../tools/replay/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { type BrokerOptions, brokerCommand } from '../program.ts';
import { withCluster } from '../session.ts';
import { renderTable } from '../table.ts';
import { jobText, resumption, sourceText, targetText, writtenBy } from './job-text.ts';

/** `replay list`. */
export function listCommand(): Command {
  return brokerCommand('list', 'jobs, the newest first', ['tidemark replay list --json'])
    .alias('ls')
    .action((_: unknown, command: Command) => list(command.optsWithGlobals<BrokerOptions>()));
}

/** `replay show`. */
export function showCommand(): Command {
  return brokerCommand('show', 'all that is known of a job', ['tidemark replay show 3f2a9c'])
    .argument('<id>', 'the job')
    .action((id: string, _: unknown, command: Command) =>
      show(id, command.optsWithGlobals<BrokerOptions>()),
    );
}

const summaries = {
  pause: 'hold a running job until it is resumed',
  resume: 'let a paused job go on',
  cancel: 'end a running or paused job; it can be resumed later',
} as const;

/** `replay pause`, `resume` and `cancel`. */
export function controlCommand(verb: 'pause' | 'resume' | 'cancel'): Command {
  return brokerCommand(verb, summaries[verb], [`tidemark replay ${verb} 3f2a9c`])
    .argument('<id>', 'the job')
    .action((id: string, _: unknown, command: Command) =>
      control(verb, id, command.optsWithGlobals<BrokerOptions>()),
    );
}

async function list(options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster }) => {
    const jobs = await new JobStore(cluster).list();
    if (options.json === true) {
      await io.data(`${JSON.stringify(jobs)}\n`);
      return;
    }
    if (jobs.length === 0) {
      io.say('no jobs yet; "tidemark replay --help" has examples');
      return;
    }
    const rows = jobs.map((job) => [
      job.id,
      job.state,
      sourceText(job),
      targetText(job),
      String(writtenBy(job)),
      String(offsetsIn(job.stretches)),
      new Date(job.startedMs).toISOString(),
      job.who,
    ]);
    const header = ['JOB', 'STATE', 'FROM', 'TO', 'WRITTEN', 'OFFSETS', 'STARTED', 'WHO'];
    await io.data(renderTable(header, rows, { right: [4, 5] }));
  });
}

async function show(id: string, options: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster }) => {
    const job = await new JobStore(cluster).get(id);
    await io.data(options.json === true ? `${JSON.stringify(job)}\n` : jobText(job));
  });
}

async function control(
  verb: 'pause' | 'resume' | 'cancel',
  id: string,
  options: BrokerOptions,
): Promise<void> {
  const io = processIo();
  await withCluster(options, async ({ cluster }) => {
    const store = new JobStore(cluster);
    const job = await store.get(id);
    const { state } = job;
    if (job.tool !== undefined && state === 'running') {
      throw new CliError(ExitCode.error, `job ${id} is an ${job.tool}: end it where it runs`);
    }
    if (state !== 'running' && state !== 'paused') {
      const step = state === 'done' ? null : `go on with ${resumption(job)}`;
      throw new CliError(ExitCode.error, `job ${id} is not at work: it is ${state}`, step);
    }
    await store.send(id, verb, nodeClock.now());
    if (options.json === true) await io.data(`${JSON.stringify({ id, ordered: verb })}\n`);
    else io.say(`${verb} ordered; the job sees it within a few seconds, "replay show ${id}" tells`);
  });
}
