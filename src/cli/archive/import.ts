// tidemark archive import: an archive, NDJSON or CSV into topics.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  importArchive,
  type OffsetsMode,
  openArchiveSource,
  openTextSource,
} from '../../../tools/archive/index.ts';
import { formatByteSize } from '../../base/byte-size.ts';
import { ExitCode, usageError, withNextStep } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type BrokerOptions, brokerCommand } from '../program.ts';
import { ProgressLine } from '../progress-line.ts';
import { withCluster } from '../session.ts';
import { ArchiveAudit } from './audit.ts';
import { formatOf } from './format.ts';

interface ImportFlags extends BrokerOptions {
  readonly to?: string;
  readonly prefix?: string;
  readonly format?: string;
  readonly offsets: string;
  readonly fillGaps?: boolean;
  readonly resume?: boolean;
  readonly create: boolean;
  readonly partitions?: string;
}

const details = `
Topics that are missing are made as they were, with their partitions and configs. Offsets:
  keep    every record gets the offset it had, in topics that are empty. What is missing at the start is counted up to
          with records that are deleted again; gaps between records, and behind the last one (of transactions, or
          compaction), need --fill-gaps
  header  records come as new ones, with the header tidemark.archive.origin (topic/partition/offset); for any topic
  new     records come as new ones, in topics that are empty`;

const NAME = 'import';

/** `archive import`. */
export function importCommand(): Command {
  return brokerCommand(NAME, 'write what a file holds into topics', [
    'tidemark archive import orders.archive',
    'tidemark archive import orders.archive --to orders-restored',
    'tidemark archive import orders.archive --resume               after an interruption',
    'tidemark archive import orders.ndjson --to orders --partitions 4',
  ])
    .argument('<file>', 'an archive, or a file of NDJSON or CSV as export writes it')
    .option('--to <topic>', 'the topic to write, for a file that holds one')
    .option('--prefix <text>', 'put before the names of the topics')
    .option('--offsets <mode>', 'keep, header or new', 'keep')
    .option('--fill-gaps', 'put records without a value where offsets are missing')
    .option('--resume', 'go on with an import that was interrupted')
    .option('--no-create', 'topics must exist')
    .option('--partitions <count>', 'of topics that are made (text does not say)')
    .option('--format <name>', 'archive, ndjson or csv (default: by the name of the file)')
    .addHelpText('after', details)
    .action((path: string, flags: ImportFlags) => run(path, flags));
}

const everything = {
  partitions: null,
  from: { kind: 'earliest' },
  to: { kind: 'latest' },
  group: null,
} as const;

const modes: readonly string[] = ['keep', 'header', 'new'] satisfies OffsetsMode[];

function isMode(text: string): text is OffsetsMode {
  return modes.includes(text);
}

async function run(path: string, flags: ImportFlags): Promise<void> {
  const { to, prefix = '', offsets, fillGaps = false, resume = false, create, partitions } = flags;
  if (!isMode(offsets)) throw usageError(`--offsets ${offsets}: write keep, header or new`);
  const count =
    partitions === undefined
      ? null
      : wholeNumber('--partitions', partitions, { from: 1, to: 99_999 });
  const io = processIo();
  const format = formatOf(path, flags.format);
  const source = await (format === 'archive'
    ? openArchiveSource(path)
    : openTextSource(path, format));
  try {
    const topics = source.head?.topics.map((one) => one.name) ?? [];
    if (to !== undefined && topics.length > 1) {
      throw usageError(
        `--to names one topic, and ${path} holds ${topics.join(', ')}: use --prefix`,
      );
    }
    if (source.head !== null && source.end === null) {
      io.say(
        `${path} has no end, as its export was interrupted or it is cut off: what it has is imported`,
      );
    }
    const progress = new ProgressLine(io, formatByteSize);
    const result = await withCluster(flags, async ({ cluster, stopSignal }) => {
      const { signal, givenUp } = stopSignal();
      const audit = await ArchiveAudit.begin(cluster, io, {
        tool: 'import',
        file: resolve(path),
        resume,
        givenUp,
        source: { topics, ...everything },
        target: {
          kind: 'topic',
          topic: to ?? (topics.map((one) => prefix + one).join(',') || '?'),
        },
        stretches: source.head?.stretches.map((one) => ({ ...one, note: '' })) ?? [],
      });
      const written = { records: 0, bytes: 0 };
      const ended = await importArchive({
        cluster,
        source,
        topicOf: (name) => to ?? prefix + name,
        offsets,
        fillGaps,
        resume,
        create,
        partitions: count,
        signal,
        givenUp,
        onProgress: (done, total) => progress.show(done, total, path),
        onLook: ({ topic, ends }) => {
          const all = [...ends.values()].reduce((sum, end) => sum + end, 0);
          io.say(`reading ${topic} (up to ${all} records) for what an earlier run wrote`);
        },
        onWritten: (records, bytes) => {
          written.records += records;
          written.bytes += bytes;
        },
      }).catch(async (error: unknown) => {
        progress.done();
        await audit.end('failed', written, error);
        throw error;
      });
      await audit.end(ended.finished ? 'done' : 'interrupted', ended);
      return ended;
    }).catch((error: unknown) => {
      io.progress('');
      const told = source.head !== null;
      throw withResume(withPartitions(error, told || !create), path, told);
    });
    progress.done();
    if (!result.finished) process.exitCode = ExitCode.interrupted;
    for (const note of result.notes) io.say(`note: ${note}`);
    if (flags.json === true) {
      await io.data(`${JSON.stringify({ path, ...result })}\n`);
      return;
    }
    const filled = result.fillers > 0 ? `, and ${result.fillers} to fill offsets` : '';
    io.say(`${result.records} records written, ${formatByteSize(result.bytes)}${filled}`);
    if (!result.finished) io.say(`interrupted; go on with the same command and --resume`);
  } finally {
    await source.close();
  }
}

/** Text does not tell how many partitions a topic had, so a missing one is not made unasked. */
function withPartitions(error: unknown, told: boolean): unknown {
  const missing = error instanceof Error && 'code' in error ? error.code : null;
  if (missing !== 'UNKNOWN_TOPIC_OR_PARTITION' || told) return error;
  return withNextStep(
    error,
    'add --partitions COUNT to make it: text does not tell how many it had',
  );
}

/** What cannot be imported as asked is a mistake to correct, the rest an interruption. */
function withResume(error: unknown, path: string, told: boolean): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'offsets_impossible' && !told) {
    const step =
      'what came before is written: add --resume to --fill-gaps, or name another topic for the others';
    return withNextStep(error, step);
  }
  if (code !== 'target_refused' && code !== 'archive_damaged' && code !== 'invalid_line')
    return error;
  const again = `import ${path} again with --resume`;
  return withNextStep(error, `what came before is written; once that is mended, ${again}`);
}
