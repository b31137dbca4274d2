// tidemark archive: topics as files, and back.

import type { Command } from 'commander';
import { exportCommand } from '../archive/export.ts';
import { importCommand } from '../archive/import.ts';
import { verifyCommand } from '../archive/verify.ts';
import { type CommandModule, nounCommand } from '../program.ts';

const details = `
An archive holds the batches of topics as they lie in the log, in frames; every byte is under a checksum, ours or the
batch's own. It is a Zstandard file: zstd -dc shows its MessagePack documents. Offsets, keys, headers, timestamps and
partitions are all there. An export or import that was interrupted goes on with --resume. Both are noted in the
topic __tidemark_jobs of the cluster, where it may be written ("tidemark replay list").`;

function build(): Command {
  const command = nounCommand('archive', 'export topics to a file, import them, verify it', [
    'tidemark archive export orders --to orders.archive',
    'tidemark archive verify orders.archive',
    'tidemark archive import orders.archive -b other-cluster:9092',
  ]);
  command.addHelpText('after', details);
  command.addCommand(exportCommand());
  command.addCommand(importCommand());
  command.addCommand(verifyCommand());
  return command;
}

/** The noun `archive`. */
export const archiveCommand: CommandModule = { build };
