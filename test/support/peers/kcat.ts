// kcat, and so librdkafka (C), as an interop client.

import { runChild } from '../../../bench/peers/index.ts';
import type { ConsumeTask, InteropClient, ProduceTask } from './interop-client.ts';
import { fixedHeaders } from './interop-client.ts';
import { gather } from './streams.ts';

const TIMEOUT_MS = 300_000;

async function produce(task: ProduceTask): Promise<void> {
  const args = ['-P', '-b', task.bootstrap, '-t', task.topic, '-z', task.codec];
  args.push('-D', '\\x1e', '-K', '\\x1d');
  for (const [name, value] of fixedHeaders) args.push('-H', `${name}=${value}`);
  // One request in flight keeps the order without producer ids; idempotence has its own tests.
  args.push('-X', 'partitioner=murmur2', '-X', 'acks=all', '-X', 'linger.ms=20');
  args.push('-X', 'enable.idempotence=true');
  await runChild('kcat', args, { input: gather(lines(task)), timeoutMs: TIMEOUT_MS });
}

function* lines(task: ProduceTask): Generator<Buffer> {
  const keyEnd = Buffer.from([0x1d]);
  const recordEnd = Buffer.from([0x1e]);
  for (const record of task.records) {
    yield record.key;
    yield keyEnd;
    yield record.value ?? Buffer.alloc(0);
    yield recordEnd;
  }
}

async function consume(task: ConsumeTask): Promise<void> {
  const args = ['-C', '-q', '-b', task.bootstrap, '-t', task.topic, '-o', 'beginning', '-e'];
  args.push('-f', '%p %o %T %K %S %h\\n%k%s\\n', '-X', 'check.crcs=true');
  const parser = new KcatParser(task.onRecord);
  const onOutput = (piece: Buffer) => parser.push(piece);
  await runChild('kcat', args, { onOutput, timeoutMs: TIMEOUT_MS });
  parser.end();
}

/** Takes apart the format above: a line of numbers and headers, then key and value by their lengths. */
class KcatParser {
  readonly #onRecord: ConsumeTask['onRecord'];
  #rest: Buffer = Buffer.alloc(0);

  constructor(onRecord: ConsumeTask['onRecord']) {
    this.#onRecord = onRecord;
  }

  push(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    for (;;) {
      const lineEnd = bytes.indexOf(0x0a, at);
      if (lineEnd < 0) break;
      const fields = bytes.toString('utf8', at, lineEnd).split(' ');
      const keyLength = Math.max(0, Number(fields[3]));
      const valueLength = Number(fields[4]);
      const keyStart = lineEnd + 1;
      const valueStart = keyStart + keyLength;
      const end = valueStart + Math.max(0, valueLength);
      if (end + 1 > bytes.length) break;
      this.#onRecord({
        partition: Number(fields[0]),
        offset: Number(fields[1]),
        timestamp: Number(fields[2]),
        key: bytes.subarray(keyStart, valueStart),
        value: valueLength < 0 ? null : bytes.subarray(valueStart, end),
        headers: headersOf(fields.slice(5).join(' ')),
      });
      at = end + 1;
    }
    this.#rest = bytes.subarray(at);
  }

  end(): void {
    if (this.#rest.length > 0) throw new Error(`kcat ended inside a record: ${this.#rest}`);
  }
}

function headersOf(text: string): [string, string][] {
  if (text === '') return [];
  return text.split(',').map((header) => {
    const equals = header.indexOf('=');
    return [header.slice(0, equals), header.slice(equals + 1)];
  });
}

export const kcatClient: InteropClient = {
  name: 'kcat',
  tool: 'kcat',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  can: { manyLines: true, timestamps: false, headersPerRecord: false, tombstones: false },
  produce,
  consume,
};
