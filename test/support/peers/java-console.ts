// Kafka's own console producer and consumer (Java) as an interop client.

import { runJava } from '../../../bench/peers/index.ts';
import type { ConsumeTask, InteropClient, ProduceTask } from './interop-client.ts';
import { gather } from './streams.ts';

const TIMEOUT_MS = 300_000;
const TAB = 0x09;
/** Ends each printed record: no text of the corpus holds it. */
const RECORD_END = Buffer.from('\u001e\n');
const NULL_TEXT = '\u001d';

async function produce(task: ProduceTask): Promise<void> {
  const args = ['--bootstrap-server', task.bootstrap, '--topic', task.topic];
  args.push('--compression-codec', task.codec);
  for (const property of ['acks=all', 'linger.ms=20', 'batch.size=131072']) {
    args.push('--command-property', property);
  }
  const reader = ['parse.key=true', 'parse.headers=true', 'key.separator=\t'];
  for (const property of reader) args.push('--reader-property', property);
  const input = gather(lines(task));
  await runJava('org.apache.kafka.tools.ConsoleProducer', args, { input, timeoutMs: TIMEOUT_MS });
}

/** `header:value,header:value TAB key TAB value` */
function* lines(task: ProduceTask): Generator<Buffer> {
  const end = Buffer.from('\n');
  for (const record of task.records) {
    const headers = record.headers.map(([name, value]) => `${name}:${value}`).join(',');
    yield Buffer.from(`${headers}\t${record.key}\t`);
    yield record.value ?? Buffer.alloc(0);
    yield end;
  }
}

async function consume(task: ConsumeTask): Promise<void> {
  const args = ['--bootstrap-server', task.bootstrap, '--topic', task.topic, '--from-beginning'];
  args.push('--max-messages', String(task.count), '--timeout-ms', '30000');
  const shown = ['timestamp', 'partition', 'offset', 'headers', 'key', 'value'];
  for (const field of shown) args.push('--formatter-property', `print.${field}=true`);
  args.push('--formatter-property', `line.separator=${RECORD_END}`);
  args.push('--formatter-property', `null.literal=${NULL_TEXT}`);
  args.push('--command-property', 'check.crcs=true');
  const parser = new ConsoleParser(task.onRecord);
  const onOutput = (piece: Buffer) => parser.push(piece);
  const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  // The tool's exit code is 1 when it ran into its time limit; the count then says what is missing.
  const { errors } = await runJava(main, args, { onOutput, timeoutMs: TIMEOUT_MS, accept: [0, 1] });
  if (parser.count !== task.count) {
    throw new Error(`the console consumer gave ${parser.count} of ${task.count}: ${errors}`);
  }
}

/** Takes apart `CreateTime:1 TAB Partition:2 TAB Offset:3 TAB headers TAB key TAB value`. */
class ConsoleParser {
  count = 0;
  readonly #onRecord: ConsumeTask['onRecord'];
  #rest: Buffer = Buffer.alloc(0);

  constructor(onRecord: ConsumeTask['onRecord']) {
    this.#onRecord = onRecord;
  }

  push(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(RECORD_END, at);
      if (end < 0) break;
      this.#record(bytes.subarray(at, end));
      at = end + RECORD_END.length;
    }
    this.#rest = bytes.subarray(at);
  }

  #record(line: Buffer): void {
    const fields: string[] = [];
    let at = 0;
    while (fields.length < 5) {
      const tab = line.indexOf(TAB, at);
      if (tab < 0) throw new Error(`not a record of the console consumer: ${line}`);
      fields.push(line.toString('utf8', at, tab));
      at = tab + 1;
    }
    const value = line.subarray(at);
    const headers = fields[3] === 'NO_HEADERS' ? [] : (fields[3] ?? '').split(',');
    this.count += 1;
    this.#onRecord({
      timestamp: numberAfterColon(fields[0]),
      partition: numberAfterColon(fields[1]),
      offset: numberAfterColon(fields[2]),
      headers: headers.map((header) => {
        const colon = header.indexOf(':');
        return [header.slice(0, colon), header.slice(colon + 1)];
      }),
      key: Buffer.from(fields[4] ?? ''),
      value: value.length === 1 && value.toString() === NULL_TEXT ? null : value,
    });
  }
}

function numberAfterColon(text: string | undefined): number {
  return Number(text?.slice(text.indexOf(':') + 1));
}

export const javaClient: InteropClient = {
  name: 'java',
  tool: 'java',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  can: { manyLines: false, timestamps: false, headersPerRecord: true, tombstones: false },
  produce,
  consume,
};
