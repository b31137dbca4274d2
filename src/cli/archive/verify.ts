// tidemark archive verify: whether a file is whole, and what is in it.

import type { Command } from 'commander';
import { type ArchiveReport, verifyArchive } from '../../../tools/archive/index.ts';
import { formatByteSize } from '../../base/byte-size.ts';
import { formatTime } from '../../client/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { type CommonOptions, makeCommand } from '../program.ts';
import { ProgressLine } from '../progress-line.ts';
import { renderTable } from '../table.ts';

/** `archive verify`. */
export function verifyCommand(): Command {
  return makeCommand('verify', 'check every byte of an archive, and tell what is in it', [
    'tidemark archive verify orders.archive',
    'tidemark archive verify --json orders.archive | jq .partitions',
  ])
    .argument('<file>', 'the archive')
    .addHelpText('after', '\nThe exit code is 1 when it is damaged, or has no end.')
    .action((path: string, flags: CommonOptions) => run(path, flags));
}

async function run(path: string, flags: CommonOptions): Promise<void> {
  const io = processIo();
  const progress = new ProgressLine(io, formatByteSize);
  const report = await verifyArchive(path, {
    onProgress: (done, total) => progress.show(done, total, path),
  }).finally(() => progress.done());
  if (!report.finished) process.exitCode = ExitCode.error;
  if (flags.json === true) {
    await io.data(`${JSON.stringify(report)}\n`);
    return;
  }
  await io.data(tableOf(report));
  const { createdMs, by } = report.head;
  io.say(`exported by ${by} at ${formatTime(createdMs)}, ${formatByteSize(report.bytes)}`);
  io.say(
    report.finished
      ? 'whole: every checksum is right'
      : `it has no end: go on with "tidemark archive export --resume --to ${path}"`,
  );
}

function tableOf({ partitions }: ArchiveReport): string {
  const rows = partitions.map((one) => [
    `${one.topic}/${one.partition}`,
    String(one.records),
    one.records === 0 ? '' : String(one.firstOffset),
    one.records === 0 ? '' : String(one.lastOffset),
    String(one.missing),
    formatByteSize(one.bytes),
  ]);
  const header = ['PARTITION', 'RECORDS', 'FIRST', 'LAST', 'GAPS', 'BYTES'];
  return renderTable(header, rows, { right: [1, 2, 3, 4, 5] });
}
