// tidemark doctor: what could keep a broker or a client from working here, and what to do about it.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DATA_DIRECTORY_DEFAULT } from '../config/settings.ts';
import type { Check, CheckStatus } from '../doctor/check.ts';
import { checkDataDirectory } from '../doctor/data-directory.ts';
import { checkContents } from '../doctor/last-stop.ts';
import {
  checkAccelerators,
  checkDescriptors,
  checkLocalhost,
  checkNode,
  checkThreadPool,
  checkTimeSlices,
  checkZeroCopy,
} from '../doctor/machine.ts';
import { checkBroker, checkPort, usesDirectory } from '../doctor/way-to-broker.ts';
import { ExitCode } from '../exit-codes.ts';
import { paint, processIo, type Style } from '../io.ts';
import { type BrokerOptions, brokerCommand, type CommandModule } from '../program.ts';
import { brokersOf } from '../session.ts';

interface DoctorOptions extends BrokerOptions {
  readonly data?: string;
}

function build(): Command {
  return brokerCommand('doctor', 'check this machine, a data directory and the way to a broker', [
    'tidemark doctor',
    'tidemark doctor --data /var/lib/tidemark -b broker.example:9092 --json',
  ])
    .option('-d, --data <directory>', 'data directory to look at (default: ./tidemark-data)')
    .action((options: DoctorOptions) => doctor(options));
}

/** The verb `doctor`. */
export const doctorCommand: CommandModule = { build };

async function doctor(options: DoctorOptions): Promise<void> {
  const io = processIo();
  const directory = resolve(options.data ?? process.env['TIDEMARK_DATA'] ?? DATA_DIRECTORY_DEFAULT);
  const checks = await allChecks(directory, options);
  const failed = checks.some((check) => check.status === 'fail');
  if (options.json === true) {
    await io.data(`${JSON.stringify({ ok: !failed, checks })}\n`);
  } else {
    const width = Math.max(...checks.map((check) => check.name.length));
    for (const check of checks) await io.data(line(check, width));
  }
  if (failed) process.exitCode = ExitCode.error;
}

async function allChecks(directory: string, options: DoctorOptions): Promise<Check[]> {
  const broker = await checkBroker(options);
  const data = await checkDataDirectory(directory);
  const client = await import('../../client/index.ts');
  const [address] = client.parseBrokers(brokersOf(options));
  // Only a port of this machine can be tried.
  const isHere = address !== undefined && ['127.0.0.1', '::1', 'localhost'].includes(address.host);
  const port = isHere ? [await checkPort(address.host, address.port, broker.reached)] : [];
  const contents = await checkContents(directory, usesDirectory(broker, directory));
  return [
    checkNode(),
    checkThreadPool(),
    checkDescriptors(data.partitions),
    ...checkAccelerators(),
    checkZeroCopy(),
    checkTimeSlices(),
    await checkLocalhost(),
    ...data.checks,
    ...contents,
    ...port,
    ...broker.checks,
  ];
}

const marks: Readonly<Record<CheckStatus, readonly [string, Style]>> = {
  ok: ['ok  ', 'green'],
  warn: ['warn', 'yellow'],
  fail: ['FAIL', 'red'],
};

function line(check: Check, width: number): string {
  const [mark, style] = marks[check.status];
  const text = `${paint(style, mark)}  ${check.name.padEnd(width)}  ${check.found}\n`;
  return check.advice === null ? text : `${text}${' '.repeat(width + 8)}→ ${check.advice}\n`;
}
