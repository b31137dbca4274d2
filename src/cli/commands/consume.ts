// tidemark consume: records of a topic as text, by a format, or as JSON.

import { type Command, Option } from 'commander';
import type {
  FetchedRecords,
  Isolation,
  LogReader,
  OffsetRangeSpec,
  OffsetSpec,
} from '../../client/index.ts';
import { consumeAsMember, type MemberRun } from '../consume/as-member.ts';
import { shorten } from '../consume/notes.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { partitionsOf } from '../partition-list.ts';
import { type BrokerOptions, brokerCommand, type CommandModule, collect } from '../program.ts';
import { type Encoding, encodings, prepareEncoding, toJsonField } from '../record-encoding.ts';
import { compileFormat, type PrintableRecord, type RecordFormatter } from '../record-format.ts';
import { type Session, withCluster } from '../session.ts';

interface ConsumeOptions extends BrokerOptions {
  readonly offset?: readonly string[];
  readonly partition?: readonly string[];
  readonly count?: string;
  readonly exit?: boolean;
  readonly format: string;
  readonly group?: string;
  readonly join: boolean;
  readonly isolation: Isolation;
  readonly keyEncoding: Encoding;
  readonly valueEncoding: Encoding;
  readonly quiet?: boolean;
}

const offsetHelp = `
Offsets (-o): earliest, latest, committed; 42; -10 (the last ten); +10 (after the committed one);
  @2026-11-22T10:00:00Z, @1763800000000, @-2h, "2h ago"; ranges A..B, where B is not included;
  kcat's s@TIME and e@TIME. Times without a zone are UTC.

Formats (-f): %t topic, %p partition, %o offset, %k key, %v value, %h headers, %T timestamp (ms),
  %K %V sizes, %n count, %% percent, \\n \\t \\xHH. With an encoding: %v{hex} %k{base64} %v{json}
  %v{msgpack} %T{iso} %o{big8} %h{%k=%v;}`;

function build(): Command {
  return brokerCommand('consume', 'read records of a topic', [
    'tidemark consume orders                       from the first record on, and stay',
    'tidemark consume orders -o -10 -e             the last ten of each partition',
    'tidemark consume orders -o @-1h -f "%T{iso} %k: %v\\n"',
    'tidemark consume orders -e --json | jq .value',
    'tidemark consume orders -p 0 -o 100..200',
    'tidemark consume orders -g billing            as a member of the group; -e: up to its end',
    'tidemark consume orders -g billing --no-join -e   what it has not read yet',
  ])
    .argument('<topic>', 'topic to read')
    .option(
      '-o, --offset <where>',
      'where to begin, or a range (default: earliest); a group begins where it left off',
      collect,
    )
    .option('-p, --partition <list>', 'only these partitions: 0,2 or 0-3, repeatable', collect)
    .option('-n, --count <records>', 'stop after so many records')
    .option('-e, --exit', 'stop at the end as it is when the command starts')
    .addOption(
      new Option('-f, --format <template>', 'how to print a record').default(
        '%v\\n',
        'value and line feed',
      ),
    )
    .option('-g, --group <id>', 'read as a member of this group: share, commit what was printed')
    .option('--no-join', 'with --group: only look, from where it left off; commit nothing')
    .addOption(
      new Option('--isolation <level>', 'whether records of open or aborted transactions show')
        .choices(['read_committed', 'read_uncommitted'])
        .default('read_committed'),
    )
    .addOption(encodingOption('--key-encoding', 'how %k and JSON keys are shown'))
    .addOption(encodingOption('--value-encoding', 'how %v and JSON values are shown'))
    .option('-q, --quiet', 'do not say where it begins')
    .addHelpText('after', offsetHelp)
    .action((topic: string, options: ConsumeOptions) => consume(topic, options));
}

/** The verb `consume`. */
export const consumeCommand: CommandModule = { build };

function encodingOption(flag: string, words: string): Option {
  return new Option(`${flag} <encoding>`, words).choices([...encodings]).default('text');
}

function countOf(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--count', text);
}

async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const io = processIo(options.group !== undefined && options.join ? { readerGone: 'throws' } : {});
  const limit = countOf(options.count);
  const partitions = partitionsOf(options.partition);
  await prepareEncoding(options.keyEncoding);
  await prepareEncoding(options.valueEncoding);
  if (/\{msgpack\}/.test(options.format)) await prepareEncoding('msgpack');
  const print = options.json === true ? jsonPrinter(options) : textPrinter(options);
  await withCluster(options, async (session) => {
    const { signal } = session.stopSignal();
    const { group } = options;
    if (group !== undefined && options.join) {
      const from = firstPlace(session, options);
      await session.cluster.topic(topic);
      const run = memberRun(session, topic, { group, from, print, limit }, options);
      await consumeAsMember(io, session, run, signal);
    } else {
      const range = rangeOf(session, options);
      const run = new ConsumeRun(io, session, { topic, options, print, limit });
      await run.start(partitions, range);
      await run.read(signal);
    }
    if (signal.aborted) process.exitCode = ExitCode.interrupted;
  });
}

function memberRun(
  { properties }: Session,
  topic: string,
  own: Omit<MemberRun, 'topic' | 'exit' | 'quiet' | 'isolation' | 'protocol'>,
  options: ConsumeOptions,
): MemberRun {
  const { exit = false, quiet = false, isolation } = options;
  const protocol = properties.get('group.protocol')?.toLowerCase() ?? 'classic';
  if (protocol !== 'classic' && protocol !== 'consumer') {
    throw usageError(`-X group.protocol=${protocol}: write classic or consumer`);
  }
  return { topic, exit, quiet, isolation, protocol, ...own };
}

/** A group goes on where it left off; only where it has not been yet, -o says where to begin. */
function firstPlace({ client }: Session, options: ConsumeOptions): OffsetSpec {
  const look = 'with --no-join it is read without joining the group';
  if (options.partition !== undefined) {
    throw usageError('a group shares out its partitions: leave --partition out', look);
  }
  let first: OffsetSpec = { kind: 'earliest' };
  for (const text of options.offset ?? []) {
    const { from, to } = client.parseOffsetRange(text, Date.now());
    const shifted = from?.kind === 'offset' || (from?.kind === 'committed' && from.shift !== 0);
    if (to !== undefined || shifted) {
      const next = `${look}; "tidemark group reset" moves a group`;
      throw usageError(`-o ${text}: a group begins where it left off`, next);
    }
    if (from !== undefined && from.kind !== 'committed') first = from;
  }
  return first;
}

function rangeOf(
  { client }: Session,
  options: ConsumeOptions,
): OffsetRangeSpec & { from: OffsetSpec } {
  const fallback: OffsetSpec =
    options.group === undefined ? { kind: 'earliest' } : { kind: 'committed', shift: 0 };
  const parts = (options.offset ?? []).map((text) => client.parseOffsetRange(text, Date.now()));
  const range = { from: fallback, ...Object.assign({}, ...parts) };
  if (
    options.group === undefined &&
    [range.from, range.to].some((at) => at?.kind === 'committed')
  ) {
    throw usageError('"committed" is the place of a group: name it with --group');
  }
  return range;
}

function textPrinter(options: ConsumeOptions): RecordFormatter {
  const { keyEncoding: key, valueEncoding: value } = options;
  return compileFormat(options.format, { key, value });
}

function jsonPrinter(options: ConsumeOptions): RecordFormatter {
  return (record) => {
    const key = toJsonField(record.key, options.keyEncoding);
    const value = toJsonField(record.value, options.valueEncoding);
    const document = {
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.timestamp,
      key: key.value,
      ...(key.encoding === undefined ? {} : { keyEncoding: key.encoding }),
      value: value.value,
      ...(value.encoding === undefined ? {} : { valueEncoding: value.encoding }),
      headers: record.headers.map((header) => {
        const field = toJsonField(header.value, 'text');
        const encoding = field.encoding === undefined ? {} : { valueEncoding: field.encoding };
        return { key: header.key, value: field.value, ...encoding };
      }),
    };
    return Buffer.from(`${JSON.stringify(document, plainBigints)}\n`);
  };
}

function plainBigints(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

interface RunOptions {
  readonly topic: string;
  readonly options: ConsumeOptions;
  readonly print: RecordFormatter;
  readonly limit: number;
}

/** One run outside any group: resolves places, reads, prints. */
class ConsumeRun {
  readonly #io: CliIo;
  readonly #session: Session;
  readonly #run: RunOptions;
  readonly #reader: LogReader;
  /** Where to stop in each partition; absent: never. */
  readonly #stops = new Map<number, number>();
  #printed = 0;

  constructor(io: CliIo, session: Session, run: RunOptions) {
    this.#io = io;
    this.#session = session;
    this.#run = run;
    this.#reader = new session.client.LogReader(session.cluster, {
      topic: run.topic,
      isolation: run.options.isolation,
      onMoved: (partition, from, to) =>
        io.say(`${run.topic}/${partition}: offset ${from} is gone, going on at ${to}`),
    });
  }

  /** Looks up where each partition begins and ends, and says so. */
  async start(
    wanted: readonly number[] | null,
    range: OffsetRangeSpec & { readonly from: OffsetSpec },
  ): Promise<void> {
    const { topic, options } = this.#run;
    const info = await this.#session.cluster.topic(topic);
    const all = info.partitions.map((one) => one.partition);
    for (const partition of wanted ?? []) {
      if (!all.includes(partition)) {
        const known = `topic '${topic}' has the partitions 0 to ${all.length - 1}`;
        throw new CliError(ExitCode.notFound, `${known}, not ${partition}`, 'look at --partition');
      }
    }
    const mine = all.filter((partition) => wanted?.includes(partition) ?? true);
    const to = range.to ?? (options.exit === true ? ({ kind: 'latest' } as const) : null);
    const notes = await Promise.all(mine.map((one) => this.#place(one, range.from, to)));
    if (options.quiet !== true) for (const note of shorten(notes)) this.#io.say(note);
  }

  async #place(partition: number, from: OffsetSpec, to: OffsetSpec | null): Promise<string> {
    const { topic, options } = this.#run;
    const { client, cluster } = this.#session;
    const { group } = options;
    const at = { topic, partition, ...(group === undefined ? {} : { group }) };
    const lookup = client.offsetLookup(cluster, at, options.isolation);
    const begin = await client.resolveOffset(from, lookup);
    let note = `${topic}/${partition}: from ${begin.note}`;
    if (to !== null) {
      const end = await client.resolveOffset(to, lookup);
      note += `, before ${end.note}`;
      if (end.offset <= begin.offset) return `${note}: nothing to read`;
      this.#stops.set(partition, end.offset);
    }
    this.#reader.set(partition, begin.offset);
    return note;
  }

  async read(stop: AbortSignal): Promise<void> {
    const { limit } = this.#run;
    if (limit === 0) return;
    for await (const fetched of this.#reader.read(stop)) {
      await this.#take(fetched);
      if (this.#printed >= limit) return;
    }
  }

  async #take(fetched: FetchedRecords): Promise<void> {
    const { topic, print, limit } = this.#run;
    const { partition } = fetched;
    const stopAt = this.#stops.get(partition) ?? Number.POSITIVE_INFINITY;
    const out: Buffer[] = [];
    for (const record of fetched.records) {
      if (record.offset >= stopAt || this.#printed >= limit) break;
      this.#printed += 1;
      const printable: PrintableRecord = { ...record, topic, partition };
      out.push(print(printable, this.#printed));
    }
    if (fetched.nextOffset >= stopAt) this.#reader.remove(partition);
    if (out.length > 0) await this.#io.data(Buffer.concat(out));
  }
}
