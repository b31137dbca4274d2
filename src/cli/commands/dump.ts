// tidemark dump: what is in a segment, index, snapshot or checkpoint file, ours or Apache Kafka's.

import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DumpEntry } from '../../inspect/index.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { groupRecordOf } from '../inspect/group-record.ts';
import { shareStateRecordOf } from '../inspect/keyed-record.ts';
import { metadataRecordOf, raftControlOf, remoteLogRecordOf } from '../inspect/metadata-record.ts';
import { transactionRecordOf } from '../inspect/transaction-record.ts';
import { type CliIo, paint, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type CommandModule, type CommonOptions, makeCommand } from '../program.ts';
import {
  decodeBytes,
  type Encoding,
  encodings,
  isEncoding,
  prepareEncoding,
  toJsonField,
} from '../record-encoding.ts';

interface DumpFlags extends CommonOptions {
  readonly records?: boolean;
  readonly limit?: string;
  readonly offsetsDecoder?: boolean;
  readonly transactionLogDecoder?: boolean;
  readonly clusterMetadataDecoder?: boolean;
  readonly shareGroupStateDecoder?: boolean;
  readonly remoteLogMetadataDecoder?: boolean;
  readonly keyEncoding: string;
  readonly valueEncoding: string;
}

const details = `
Files: .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, leader-epoch-checkpoint; of Tidemark's data
directory also marks, journal/*.journal and catalogue/*. Damaged stretches are shown where they are, and what follows
them after. With --json each entry is one line. The exit code is 1 when something is damaged. Records of
__consumer_offsets, and of __transaction_state, __cluster_metadata, __share_group_state and __remote_log_metadata of
Apache Kafka are shown by what they mean. "tidemark verify" holds indexes against their log.`;

function build(): Command {
  const names = encodings.join(', ');
  return makeCommand('dump', "show what is in a log's files, batch by batch or record by record", [
    'tidemark dump tidemark-data/orders-0/00000000000000000000.log',
    'tidemark dump --records --limit 10 tidemark-data/orders-0/*.log',
    'tidemark dump --json tidemark-data/orders-0/00000000000000000000.index',
  ])
    .argument('<files...>', 'files to show')
    .option('--records', 'the records of each batch, too')
    .option('-l, --limit <count>', 'stop after so many entries (records, with --records)')
    .option('--offsets-decoder', 'records as those of __consumer_offsets (default in its folders)')
    .option('--transaction-log-decoder', 'the same for __transaction_state of Apache Kafka')
    .option('--cluster-metadata-decoder', 'the same for __cluster_metadata (KRaft)')
    .option('--share-group-state-decoder', 'the same for __share_group_state')
    .option('--remote-log-metadata-decoder', 'the same for __remote_log_metadata')
    .option('--key-encoding <name>', `how keys are shown: ${names}`, 'text')
    .option('--value-encoding <name>', `how values are shown: ${names}`, 'text')
    .addHelpText('after', details)
    .action((files: string[], options: DumpFlags) => dump(files, options));
}

/** The verb `dump`. */
export const dumpCommand: CommandModule = { build };

type Decode = (record: RecordEntry) => object | null;

/** Internal topics whose records have a meaning that we know. */
const decoders: readonly {
  readonly topic: string;
  readonly flag: keyof DumpFlags;
  readonly decode: Decode;
}[] = [
  { topic: '__consumer_offsets', flag: 'offsetsDecoder', decode: groupRecordOf },
  { topic: '__transaction_state', flag: 'transactionLogDecoder', decode: transactionRecordOf },
  { topic: '__cluster_metadata', flag: 'clusterMetadataDecoder', decode: metadataRecordOf },
  { topic: '__share_group_state', flag: 'shareGroupStateDecoder', decode: shareStateRecordOf },
  { topic: '__remote_log_metadata', flag: 'remoteLogMetadataDecoder', decode: remoteLogRecordOf },
];

interface Settings {
  readonly json: boolean;
  readonly records: boolean;
  /** What a record means; null: its bytes are shown. */
  readonly decode: Decode;
  readonly limit: number;
  readonly key: Encoding;
  readonly value: Encoding;
}

async function settingsOf(flags: DumpFlags): Promise<Settings> {
  const { json = false, limit } = flags;
  const [asked, more] = decoders.filter(({ flag }) => flags[flag] === true);
  if (more !== undefined) throw usageError('records are of one kind: give one decoder');
  const records = flags.records === true || asked !== undefined;
  const decode = asked?.decode ?? (() => null);
  const key = await encodingOf(flags.keyEncoding);
  const value = await encodingOf(flags.valueEncoding);
  const max = limit === undefined ? Infinity : wholeNumber('--limit', limit);
  return { json, records, decode, limit: max, key, value };
}

async function encodingOf(name: string): Promise<Encoding> {
  if (!isEncoding(name)) {
    throw usageError(`there is no encoding '${name}'`, `choose one of ${encodings.join(', ')}`);
  }
  await prepareEncoding(name);
  return name;
}

async function dump(files: readonly string[], flags: DumpFlags): Promise<void> {
  const io = processIo();
  const settings = await settingsOf(flags);
  const [{ NodeDisk }, { dumpFile, UnknownFileError }, { readCatalogueFile, readSnapshot }] =
    await Promise.all([
      import('../../host/node-disk.ts'),
      import('../../inspect/index.ts'),
      import('../inspect/facts.ts'),
    ]);
  const disk = new NodeDisk('/');
  const { records } = settings;
  const count = { left: settings.limit, damaged: false };
  for (const name of files) {
    if (count.left <= 0) break;
    const path = resolve(name);
    const kind = (await disk.stat(path))?.kind;
    if (kind === 'directory') {
      throw usageError(`${name} is a directory`, `name files in it: tidemark dump ${name}/*.log`);
    }
    if (kind !== 'file') throw new CliError(ExitCode.notFound, `there is no file ${name}`);
    if (files.length > 1 && !settings.json) await io.data(`${paint('bold', name)}\n`);
    try {
      const readCatalogue = readCatalogueFile;
      const entries = dumpFile({ disk, path, records, readSnapshot, readCatalogue });
      const how = { ...settings, decode: decoderOf(path) ?? settings.decode };
      await print(io, { name, many: files.length > 1, entries, count, settings: how });
    } catch (error) {
      if (!(error instanceof UnknownFileError)) throw error;
      throw usageError(error.message, 'tidemark dump --help lists the kinds of files');
    }
  }
  if (count.damaged) process.exitCode = ExitCode.error;
}

function decoderOf(path: string): Decode | null {
  // A snapshot, or what a cluster begins with; nothing else is written to such files.
  if (path.endsWith('.checkpoint')) return metadataRecordOf;
  const folder = basename(dirname(path)).replace(/-\d+$/, '');
  return decoders.find(({ topic }) => topic === folder)?.decode ?? null;
}

interface Printing {
  readonly name: string;
  readonly many: boolean;
  readonly entries: AsyncIterable<DumpEntry>;
  readonly count: { left: number; damaged: boolean };
  readonly settings: Settings;
}

async function print(io: CliIo, printing: Printing): Promise<void> {
  const { name, many, entries, count, settings } = printing;
  for await (const entry of entries) {
    if (entry.kind === 'damage') count.damaged = true;
    const line = settings.json
      ? JSON.stringify({ ...(many ? { file: name } : {}), ...jsonOf(entry, settings) })
      : textOf(entry, settings);
    await io.data(`${line}\n`);
    // With records asked for, batches are only the headings of what is counted.
    if (settings.records && entry.kind === 'batch') continue;
    count.left -= 1;
    if (count.left <= 0) return;
  }
}

function jsonOf(entry: DumpEntry, { key, value, decode }: Settings): object {
  if (entry.kind !== 'record') return entry;
  const { kind, offset, timestamp, control } = entry;
  const decoded = control === null ? decode(entry) : raftControlOf(entry);
  if (decoded !== null) {
    return { kind, offset, timestamp, ...(control !== null && { control }), decoded };
  }
  const keyField = toJsonField(entry.key, key);
  const valueField = toJsonField(entry.value, value);
  return {
    ...entry,
    key: keyField.value,
    ...(keyField.encoding === undefined ? {} : { keyEncoding: keyField.encoding }),
    value: valueField.value,
    ...(valueField.encoding === undefined ? {} : { valueEncoding: valueField.encoding }),
    headers: entry.headers.map((header) => {
      const bytes = header.value === null ? null : Buffer.from(header.value);
      return { key: header.key, ...toJsonField(bytes, 'text') };
    }),
  };
}

function textOf(entry: DumpEntry, settings: Settings): string {
  switch (entry.kind) {
    case 'record':
      return recordText(entry, settings);
    case 'damage': {
      const { position, bytes, what } = entry;
      return paint('red', `damage at byte ${position}, ${bytes} bytes: ${what}`);
    }
    case 'offset-entry':
      return `offset ${entry.offset}  position ${entry.position}`;
    case 'time-entry':
      return `timestamp ${entry.timestamp} (${timeText(entry.timestamp)})  offset ${entry.offset}`;
    case 'leader-epoch':
      return `epoch ${entry.epoch}  start offset ${entry.startOffset}`;
    default: {
      const { kind, ...fields } = entry;
      const words = Object.entries(fields).map(([name, value]) => `${name} ${wordOf(value)}`);
      return kind === 'batch' ? `${paint('cyan', 'batch')} ${words.join('  ')}` : words.join('  ');
    }
  }
}

function wordOf(value: unknown): string {
  return typeof value === 'object' ? printable(JSON.stringify(value)) : String(value);
}

type RecordEntry = Extract<DumpEntry, { kind: 'record' }>;

function recordText(entry: RecordEntry, settings: Settings): string {
  const { offset, timestamp, sequence, control, coordinatorEpoch } = entry;
  const numbered = sequence < 0 ? '' : `  sequence ${sequence}`;
  const start = `  offset ${offset}${numbered}  ${timeText(timestamp)}`;
  if (control !== null) {
    const epoch = coordinatorEpoch === undefined ? '' : `  coordinatorEpoch ${coordinatorEpoch}`;
    const said = raftControlOf(entry);
    const words = said === null ? '' : `  ${printable(JSON.stringify(said))}`;
    return `${start}  ${paint('yellow', control)} marker${epoch}${words}`;
  }
  const decoded = settings.decode(entry);
  if (decoded !== null) return `${start}  ${printable(JSON.stringify(decoded))}`;
  const key = entry.key === null ? 'null' : printable(decodeBytes(entry.key, settings.key));
  const value = entry.value === null ? 'null' : printable(decodeBytes(entry.value, settings.value));
  const headers = entry.headers.map((header) => {
    const text = header.value === null ? 'null' : Buffer.from(header.value).toString('utf8');
    return `${printable(header.key)}=${printable(text)}`;
  });
  const tail = headers.length === 0 ? '' : `  headers ${headers.join(', ')}`;
  return `${start}  key ${key}  value ${value}${tail}`;
}

/** Text that cannot move the cursor or colour the terminal of whoever reads it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const code = control.charCodeAt(0).toString(16).padStart(4, '0');
    return code < '0020' ? JSON.stringify(control).slice(1, -1) : `\\u${code}`;
  });
}

function timeText(timestamp: number): string {
  if (timestamp < 0) return 'no time';
  // Beyond what a date can show.
  if (timestamp > 8.64e15) return String(timestamp);
  return new Date(timestamp).toISOString();
}
