// tidemark torture: does this disk keep what it acknowledges?

import { randomInt } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseByteSize } from '../../base/byte-size.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, paint, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type CommandModule, type CommonOptions, makeCommand } from '../program.ts';
import { stopSignal } from '../stop-signal.ts';

interface TortureFlags extends CommonOptions {
  readonly rounds: string;
  readonly seconds: string;
  readonly maxBytes: string;
  readonly seed?: string;
  readonly keep?: boolean;
  readonly arm?: boolean;
  readonly check?: boolean;
  readonly acks?: string;
}

const BYTES_MIN = 16 * 1024 * 1024;

const details = `
Writes in a directory of its own below the one named, and removes it at the end (or keeps it when something is wrong).
A power cut, in two steps:
  tidemark torture /data --arm --acks /other-disk/acks     then cut the power, at the plug
  tidemark torture /data --check --acks /other-disk/acks   when the machine is back
Acknowledgements are recorded in the file of --acks, and with --json on standard output too, which another machine can
keep: ssh host tidemark torture /data --arm --json > acks`;

function build(): Command {
  return makeCommand('torture', 'try whether a disk keeps what it acknowledges', [
    'tidemark torture /var/lib/tidemark',
    'tidemark torture . --rounds 200 --seconds 600 --json',
  ])
    .argument('<directory>', 'a directory on the disk to try')
    .option('--rounds <count>', 'rounds of writing, killing and checking', '24')
    .option('--seconds <count>', 'time to spend, roughly', '60')
    .option('--max-bytes <size>', 'space to use, roughly', '256MiB')
    .option('--seed <number>', 'repeat a run: same sizes and moments (as far as a machine can)')
    .option('--keep', 'keep the data at the end')
    .option('--arm', 'step one of a power cut: write until the power goes')
    .option('--check', 'step two: look for everything that was acknowledged')
    .option('--acks <file>', 'with --arm and --check: where acknowledgements are recorded')
    .addHelpText('after', details)
    .action((directory: string, options: TortureFlags) => torture(directory, options));
}

/** The verb `torture`. */
export const tortureCommand: CommandModule = { build };

async function torture(target: string, flags: TortureFlags): Promise<void> {
  const io = processIo();
  const directory = resolve(target);
  if (!(await stat(directory).catch(() => null))?.isDirectory()) {
    throw new CliError(ExitCode.notFound, `there is no directory ${directory}`);
  }
  if (flags.arm === true && flags.check === true) {
    throw usageError('--arm comes before the power cut, --check after it: give one of them');
  }
  if (flags.arm === true) return armIt(io, directory, flags);
  if (flags.check === true) return checkIt(io, directory, flags);
  return run(io, directory, flags);
}

async function run(io: CliIo, directory: string, flags: TortureFlags): Promise<void> {
  const { runTorture, textOf, workDirectory } = await import('../../../tools/torture/index.ts');
  const work = workDirectory(directory);
  if ((await stat(work).catch(() => null)) !== null) {
    const message = `an earlier run left ${work}`;
    throw new CliError(ExitCode.error, message, 'look at it, or remove it, and try again');
  }
  const stop = stopSignal();
  try {
    const report = await runTorture({
      directory,
      rounds: wholeNumber('--rounds', flags.rounds),
      seconds: wholeNumber('--seconds', flags.seconds),
      maxBytes: bytesOf(flags),
      seed: flags.seed === undefined ? randomInt(2 ** 32) : wholeNumber('--seed', flags.seed),
      keep: flags.keep === true,
      onProgress: (done, total, what) => io.progress(`round ${done + 1} of ${total}: ${what}`),
      signal: stop.signal,
    });
    io.progress('');
    await io.data(flags.json === true ? `${JSON.stringify(report)}\n` : textOf(report));
    if (!report.ok) process.exitCode = ExitCode.error;
    else if (stop.signal.aborted) process.exitCode = ExitCode.interrupted;
  } finally {
    stop.off();
  }
}

async function armIt(io: CliIo, directory: string, flags: TortureFlags): Promise<void> {
  const { arm, armedDirectory } = await import('../../../tools/torture/index.ts');
  const acks = acksOf(directory, flags);
  const stop = stopSignal();
  io.say(`writing to ${armedDirectory(directory)}`);
  io.say(
    `acknowledgements go to ${acks}${flags.acks === undefined ? ' (better: --acks on another disk)' : ''}`,
  );
  io.say(paint('bold', 'cut the power now, at the plug; Ctrl-C ends without', 'words'));
  let lines = 0;
  await arm({
    directory,
    acks,
    maxBytes: bytesOf(flags),
    onAcks: (line) => {
      lines += 1;
      if (flags.json === true) void io.data(`${line}\n`);
      else io.progress(`armed; ${lines} times acknowledged`);
    },
    signal: stop.signal,
  });
  stop.off();
  io.progress('');
  io.say(`stopped; check with: tidemark torture ${directory} --check --acks ${acks}`);
}

async function checkIt(io: CliIo, directory: string, flags: TortureFlags): Promise<void> {
  const { armedDirectory, checkArmed } = await import('../../../tools/torture/index.ts');
  const acks = acksOf(directory, flags);
  const work = armedDirectory(directory);
  if ((await stat(work).catch(() => null)) === null) {
    throw new CliError(ExitCode.notFound, `there is no ${work}`, 'begin with --arm');
  }
  if ((await stat(acks).catch(() => null)) === null) {
    throw new CliError(
      ExitCode.notFound,
      `there is no ${acks}`,
      'name the file of --arm with --acks',
    );
  }
  const result = await checkArmed(directory, acks);
  const ok = result.problems.length === 0;
  if (flags.json === true) {
    await io.data(`${JSON.stringify({ ok, directory, ...result })}\n`);
  } else {
    await io.data(`last acknowledgement recorded: ${result.lastAck ?? 'none'}\n`);
    const count = result.acknowledged.toLocaleString('en-US');
    if (ok) await io.data(`${count} offsets acknowledged: everything is there, in order, once\n`);
    for (const problem of result.problems) await io.data(`${paint('red', problem)}\n`);
  }
  if (!ok) {
    process.exitCode = ExitCode.error;
    io.say(`the data is kept in ${work}`);
  } else if (flags.keep !== true) {
    await rm(work, { recursive: true, force: true });
    if (flags.acks === undefined) await rm(acks, { force: true });
  }
}

function acksOf(directory: string, { acks }: TortureFlags): string {
  return acks === undefined ? join(directory, 'tidemark-torture-acks') : resolve(acks);
}

function bytesOf({ maxBytes }: TortureFlags): number {
  const bytes = parseByteSize(maxBytes);
  if (bytes < BYTES_MIN) throw usageError(`--max-bytes ${maxBytes}: at least 16MiB are needed`);
  return bytes;
}
