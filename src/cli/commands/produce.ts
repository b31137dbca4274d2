// tidemark produce: records from arguments, lines, files or JSON.

import { createReadStream } from 'node:fs';
import { type Command, Option } from 'commander';
import type { ProducerOptions } from '../../client/index.ts';
import { type Codec, codecNames } from '../../record/index.ts';
import { CliError, ExitCode, messageOf, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { delimiterBytes, readLines } from '../line-reader.ts';
import { wholeNumber } from '../numbers.ts';
import { isUnknown, ProduceRun } from '../produce/run.ts';
import { type BrokerOptions, brokerCommand, type CommandModule, collect } from '../program.ts';
import { type Encoding, encodings, prepareEncoding } from '../record-encoding.ts';
import { type Session, withCluster } from '../session.ts';
import { plural } from '../topic-description.ts';
import { type LineForm, parseHeader, recordOfJson, recordOfLine } from '../typed-records.ts';

interface ProduceOptions extends BrokerOptions {
  readonly file?: string;
  readonly delimiter: string;
  readonly keyDelimiter?: string;
  readonly key?: string;
  readonly header?: readonly string[];
  readonly ndjson?: boolean;
  readonly null?: boolean;
  readonly compress?: Codec;
  readonly partition?: string;
  readonly acks?: string;
  readonly rate?: string;
  readonly keyEncoding: Encoding;
  readonly valueEncoding: Encoding;
  readonly create?: boolean;
  readonly quiet?: boolean;
}

function build(): Command {
  return brokerCommand('produce', 'write records: each line of the input is one', [
    'echo hello | tidemark produce orders',
    "printf 'alice:1\\nbob:2\\n' | tidemark produce orders --key-delimiter :",
    'tidemark produce orders --file access.log -z zstd',
    'tidemark produce orders "one record" "another" -H source=shell',
    'tidemark topic create copy -p 3',
    'tidemark consume orders -e --json | tidemark produce copy --ndjson   same partitions as before',
    "tidemark consume orders -e --json | jq -c 'del(.partition)' | tidemark produce copy --ndjson",
  ])
    .argument('<topic>', 'topic to write to')
    .argument('[values...]', 'records; without any the input is read')
    .option('-F, --file <path>', 'read this file instead of the standard input')
    .addOption(
      new Option('-D, --delimiter <text>', 'what ends a record').default('\\n', 'a line feed'),
    )
    .option('-K, --key-delimiter <text>', 'what stands between key and value of a line')
    .option('-k, --key <key>', 'key of records that have none')
    .option('-H, --header <key=value>', 'header of every record, repeatable', collect)
    .option(
      '--ndjson',
      'each line is {"key","value","headers","partition","timestamp"}; empty lines are skipped',
    )
    .option('-Z, --null', 'an empty value is a tombstone (null)')
    .addOption(
      new Option('-z, --compress <codec>', 'codec of the batches').choices([...codecNames]),
    )
    .option('-p, --partition <number>', 'write to this partition')
    .option('-a, --acks <acks>', 'all (on disk), 1 (in the page cache) or 0 (nobody answers)')
    .option('--rate <count>', 'at most so many records a second')
    .addOption(encodingOption('--key-encoding', 'how keys are typed'))
    .addOption(encodingOption('--value-encoding', 'how values are typed'))
    .option(
      '--create',
      "make the topic when it does not exist, with the broker's number of partitions",
    )
    .option('-q, --quiet', 'no progress and no summary')
    .action((topic: string, values: string[], options: ProduceOptions) =>
      produce(topic, values, options),
    );
}

/** The verb `produce`. */
export const produceCommand: CommandModule = { build };

function encodingOption(flag: string, words: string): Option {
  return new Option(`${flag} <encoding>`, words).choices([...encodings]).default('text');
}

function acksOf(text: string | undefined): -1 | 0 | 1 {
  switch (text) {
    case undefined:
    case 'all':
    case '-1':
      return -1;
    case '0':
      return 0;
    case '1':
      return 1;
    default:
      throw usageError(`--acks ${text}: write all, 1 or 0`);
  }
}

function codecOfOptions(options: ProduceOptions, property: string | undefined): Codec {
  const name = options.compress ?? property ?? 'none';
  const codec = codecNames.find((one) => one === name);
  if (codec === undefined) throw usageError(`codec ${name}: write ${codecNames.join(', ')}`);
  return codec;
}

function lineForm(options: ProduceOptions): LineForm {
  const { keyDelimiter, partition } = options;
  return {
    keyDelimiter:
      keyDelimiter === undefined ? null : delimiterBytes(keyDelimiter, '--key-delimiter'),
    key: options.key ?? null,
    keyEncoding: options.keyEncoding,
    valueEncoding: options.valueEncoding,
    headers: (options.header ?? []).map(parseHeader),
    emptyIsNull: options.null ?? false,
    partition: partition === undefined ? null : wholeNumber('--partition', partition),
  };
}

async function produce(
  topic: string,
  values: readonly string[],
  options: ProduceOptions,
): Promise<void> {
  const io = processIo();
  if (values.length > 0 && options.file !== undefined) {
    throw usageError('give records as arguments or with --file, not both');
  }
  const form = lineForm(options);
  const rate = options.rate === undefined ? null : wholeNumber('--rate', options.rate, { from: 1 });
  await prepareEncoding(options.keyEncoding);
  await prepareEncoding(options.valueEncoding);
  if (options.ndjson === true) await prepareEncoding('msgpack');
  const lines = values.length > 0 ? ofValues(values) : ofInput(io, options);
  await withCluster(options, async (session) => {
    const { cluster, client, properties } = session;
    const create = options.create ?? false;
    const settings: ProducerOptions<'buffer', 'buffer'> = {
      key: 'buffer',
      value: 'buffer',
      createTopics: false,
      acks: acksOf(options.acks ?? properties.get('acks')),
      compression: codecOfOptions(options, properties.get('compression.type')),
      ...numberProperty(properties, 'linger.ms', 'lingerMs'),
      ...numberProperty(properties, 'batch.size', 'batchBytes'),
    };
    await ensureTopic(session, topic, { create, quiet: options.quiet ?? false, io });
    const json = options.ndjson === true;
    const quiet = options.quiet ?? false;
    const stop = session.stopSignal();
    const producer = new client.Producer(cluster, { ...settings, signal: stop.givenUp });
    const typed = values.length === 0 && (options.file ?? '-') === '-' && io.inputIsTerminal;
    const how = { topic, quiet, typed, rate, json, stop: stop.signal };
    const run = new ProduceRun(io, producer, how);
    const toRecord = json ? recordOfJson : recordOfLine;
    try {
      await run.all(lines, (line) => toRecord(line, form));
    } finally {
      // A signal may have ended the reading of what has no end.
      if (stop.signal.aborted) process.stdin.destroy();
    }
    await run.report(options.json ?? false);
  });
}

/** Looks the topic up, and makes it if it may: with the broker's `num.partitions` and `default.replication.factor`. */
async function ensureTopic(
  { cluster, client }: Session,
  topic: string,
  { create, quiet, io }: { readonly create: boolean; readonly quiet: boolean; readonly io: CliIo },
): Promise<void> {
  try {
    await cluster.topic(topic);
  } catch (error) {
    if (!create || !isUnknown(error)) throw withCreateAdvice(error, topic);
    const [made] = await client.createTopics(cluster, [{ name: topic }]);
    // Somebody else was quicker: as good.
    if (made?.error?.code === 'TOPIC_ALREADY_EXISTS') return;
    if (made === undefined || made.error !== null) throw made?.error ?? error;
    if (!quiet) io.say(`topic ${topic} created (${plural(made.partitions, 'partition')})`);
  }
}

/** A topic is not made by a slip of the keys: say how to make it. */
function withCreateAdvice(error: unknown, topic: string): unknown {
  if (!isUnknown(error)) return error;
  const make = `add --create to make it, or "tidemark topic create ${topic}"`;
  const step = `${make}; "tidemark topic list" shows what there is`;
  return new CliError(ExitCode.notFound, messageOf(error), step, { cause: error });
}

function numberProperty<Name extends 'lingerMs' | 'batchBytes'>(
  properties: ReadonlyMap<string, string>,
  property: string,
  name: Name,
): { [K in Name]?: number } {
  const text = properties.get(property);
  if (text === undefined) return {};
  return { [name]: wholeNumber(`-X ${property}`, text) } as { [K in Name]?: number };
}

async function* ofValues(values: readonly string[]): AsyncGenerator<Buffer> {
  for (const value of values) yield Buffer.from(value);
}

async function* ofInput(io: CliIo, options: ProduceOptions): AsyncGenerator<Buffer> {
  const { file } = options;
  const delimiter = delimiterBytes(options.delimiter, '--delimiter');
  if (file === undefined || file === '-') {
    if (io.inputIsTerminal && options.quiet !== true) {
      io.say('each line you type is a record; end with Ctrl-D');
    }
    yield* readLines(process.stdin, delimiter);
    return;
  }
  try {
    yield* readLines(createReadStream(file, { highWaterMark: 256 * 1024 }), delimiter);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EISDIR') throw usageError(`cannot read ${file}: it is a directory`);
    if (code !== 'ENOENT') throw cause;
    throw new CliError(ExitCode.notFound, `there is no file ${file}`, 'look at --file', { cause });
  }
}
