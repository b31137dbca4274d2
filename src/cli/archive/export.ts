// tidemark archive export: topics, or a range of them, into a file.

import { resolve } from 'node:path';
import * as zlib from 'node:zlib';
import type { Command } from 'commander';
import {
  type ExportSink,
  exportTopics,
  newArchive,
  newText,
  planArchive,
  resumeArchive,
  resumeText,
} from '../../../tools/archive/index.ts';
import {
  offsetsIn,
  planStretches,
  type ReplaySource,
  type Stretch,
  userAtHost,
} from '../../../tools/replay/index.ts';
import { formatByteSize } from '../../base/byte-size.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { ExitCode, usageError, withNextStep } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { partitionsOf } from '../partition-list.ts';
import { type BrokerOptions, brokerCommand, collect } from '../program.ts';
import { ProgressLine } from '../progress-line.ts';
import { type Session, withCluster } from '../session.ts';
import { ArchiveAudit } from './audit.ts';
import { type FileFormat, formatOf } from './format.ts';

interface ExportFlags extends BrokerOptions {
  readonly to?: string;
  readonly partition?: readonly string[];
  readonly offset?: readonly string[];
  readonly group?: string;
  readonly format?: string;
  readonly level?: string;
  readonly resume?: boolean;
  readonly skipCut?: boolean;
  readonly sync: boolean;
}

const details = `
Without a range it is everything up to where the log ends now. Records of open and aborted transactions are left out.
Formats: archive keeps everything as it lies in the log; ndjson and csv are for other programs (bytes that are no text
stand as base64). Compression (zstd) is for what producers did not compress; --level 0 stores, which is fastest, and is
the default on a Node without zstd of its own (before 22.15).`;

/** `archive export`. */
export function exportCommand(): Command {
  return brokerCommand('export', 'write topics, or a range of them, to a file', [
    'tidemark archive export orders --to orders.archive',
    'tidemark archive export orders payments -o @2026-11-22..@2026-11-23 --to day.archive',
    'tidemark archive export orders -p 0-3 --to orders.ndjson',
    'tidemark archive export --resume --to orders.archive          after an interruption',
  ])
    .argument('[topics...]', 'topics to export')
    .option('--to <path>', 'the file; it must not exist yet')
    .option('-p, --partition <list>', 'only these partitions: 0,2 or 0-3, repeatable', collect)
    .option('-o, --offset <range>', 'from where, up to where (default: earliest..latest)', collect)
    .option('-g, --group <id>', 'whose committed offsets "committed" means')
    .option('--format <name>', 'archive, ndjson or csv (default: by the name of the file)')
    .option('--level <number>', 'of zstd in an archive, 1 to 19; 0 stores')
    .option('--resume', 'go on with an export that was interrupted')
    .option('--skip-cut', 'go on behind records that retention took, before or during the export')
    .option('--no-sync', 'archives: be done before the disk is; a power cut may take the file')
    .addHelpText('after', details)
    .action((topics: string[], flags: ExportFlags) => run(topics, flags));
}

const LEVEL_DEFAULT = 3;

function levelOf({ level }: ExportFlags): number {
  if (level === undefined) return 'zstdCompressSync' in zlib ? LEVEL_DEFAULT : 0;
  return wholeNumber('--level', level, { from: 0, to: 19 });
}

async function run(topics: readonly string[], flags: ExportFlags): Promise<void> {
  const { to: path, resume = false, skipCut = false, json = false } = flags;
  if (path === undefined) throw usageError('where to? add --to FILE');
  if (path === '-') {
    const next = '"tidemark replay TOPIC --to-stdout --execute" writes JSON lines';
    throw usageError('an export goes to a file, so that it can go on where it was', next);
  }
  const level = levelOf(flags);
  const format = formatOf(path, flags.format);
  if (resume && topics.length > 0) throw usageError('--resume knows its topics: leave them out');
  if (!resume && topics.length === 0) {
    throw usageError(
      'which topics?',
      'tidemark archive export TOPIC --to FILE; --help has examples',
    );
  }
  const io = processIo();
  await withCluster(flags, async (session) => {
    const { signal, givenUp } = session.stopSignal();
    const how = { path, format, level, sync: flags.sync };
    const { sink, ...range } = resume
      ? await resumed(how)
      : await planned(session, { topics, flags, how });
    try {
      const total = offsetsIn(sink.head.stretches);
      io.say(`${path}${resume ? ' goes on' : ''}: ${total} offsets`);
      const audit = await ArchiveAudit.begin(session.cluster, io, {
        tool: 'export',
        file: resolve(path),
        target: { kind: 'file', path: resolve(path) },
        resume,
        givenUp,
        ...range,
      });
      const written = () => ({
        records: sink.totals().reduce((sum, one) => sum + one.records, 0),
        bytes: sink.bytes,
      });
      const progress = new ProgressLine(io, String);
      const result = await exportTopics({
        cluster: session.cluster,
        sink,
        skipCut,
        signal,
        onProgress: ({ done, total: all, fileBytes }) =>
          progress.show(done, all, formatByteSize(fileBytes)),
      }).catch(async (error: unknown) => {
        progress.done();
        await audit.end('failed', written(), error);
        throw withResume(error, path);
      });
      progress.done();
      await audit.end(result.finished ? 'done' : 'interrupted', written());
      if (!result.finished) process.exitCode = ExitCode.interrupted;
      const records = result.partitions.reduce((sum, one) => sum + one.records, 0);
      if (json) {
        const { finished, fileBytes, partitions } = result;
        await io.data(`${JSON.stringify({ path, finished, records, fileBytes, partitions })}\n`);
      } else if (result.finished) {
        io.say(`${records} records, ${formatByteSize(result.fileBytes)}`);
      } else {
        io.say(`interrupted; go on with "tidemark archive export --resume --to ${path}"`);
      }
    } finally {
      io.progress('');
      await sink.close();
    }
  });
}

interface Output {
  readonly path: string;
  readonly format: FileFormat;
  readonly level: number;
  readonly sync: boolean;
}

/** A file that is begun, and what of which topics goes into it. */
interface Begun {
  readonly sink: ExportSink;
  readonly source: ReplaySource;
  readonly stretches: readonly Stretch[];
}

async function resumed({ path, format, level, sync }: Output): Promise<Begun> {
  const sink = await (format === 'archive' ? resumeArchive(path, level, sync) : resumeText(path));
  const topics = sink.head.topics.map((one) => one.name);
  // What was asked for then stands in the job's record, where there is one; here only what it came to.
  const [from, to] = [{ kind: 'earliest' }, { kind: 'latest' }] as const;
  return {
    sink,
    source: { topics, partitions: null, from, to, group: null },
    stretches: sink.head.stretches.map((one) => ({ ...one, note: '' })),
  };
}

async function planned(
  session: Session,
  { topics, flags, how }: { topics: readonly string[]; flags: ExportFlags; how: Output },
): Promise<Begun> {
  const range: { from?: OffsetSpec; to?: OffsetSpec } = {};
  for (const text of flags.offset ?? []) {
    Object.assign(range, session.client.parseOffsetRange(text, nodeClock.now()));
  }
  const source = {
    topics,
    partitions: partitionsOf(flags.partition),
    from: range.from ?? { kind: 'earliest' },
    to: range.to ?? { kind: 'latest' },
    group: flags.group ?? null,
  } as const;
  const { skipCut = false } = flags;
  const stretches = await planStretches(session.cluster, source, { skipCut });
  const head = await planArchive(session.cluster, stretches, userAtHost());
  const { path, format, level, sync } = how;
  const sink = await (format === 'archive'
    ? newArchive(path, head, level, sync)
    : newText(path, format, head));
  return { sink, source, stretches };
}

function withResume(error: unknown, path: string): unknown {
  const again = `"tidemark archive export --resume --to ${path}"`;
  return withNextStep(error, `once that is mended, go on with ${again}`);
}
