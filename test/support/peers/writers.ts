// Writers that go on through crashes of the broker and note which records were acknowledged, for the crash tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { exitOf, javaArguments, tailOf } from '../../../bench/peers/index.ts';
import { codecIdOf, codecNames } from '../../../src/record/index.ts';
import { kafkaOf } from './kafkajs.ts';
import { textRecords } from './text-corpus.ts';

/** Acknowledged records of one topic: per partition, offset → key. */
export type Acknowledged = Map<number, Map<number, string>>;

export interface Writer {
  readonly topic: string;
  readonly acknowledged: Acknowledged;
  /** Records acknowledged so far. Throws if the writer itself failed. */
  count(): number;
  /** Sends no more, waits for what is under way, and throws if the writer itself failed. */
  finish(): Promise<void>;
}

function note(acknowledged: Acknowledged, at: { partition: number; offset: number; key: string }) {
  const partition = acknowledged.get(at.partition) ?? new Map<number, string>();
  acknowledged.set(at.partition, partition);
  const before = partition.get(at.offset);
  if (before !== undefined && before !== at.key) {
    throw new Error(`offset ${at.offset} was given to ${before} and to ${at.key}`);
  }
  partition.set(at.offset, at.key);
}

/**
 * Real text by kafkajs' idempotent producer, in changing codecs, to one partition at a time. Keys are `text-0`,
 * `text-1`, … in the order sent. A send that fails is tried again by kafkajs for as long as it takes.
 */
export async function startTextWriter(bootstrap: string, topic: string): Promise<Writer> {
  const kafka = await kafkaOf(bootstrap, 'patient');
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const acknowledged: Acknowledged = new Map();
  const records = textRecords({ count: 50_000_000, recordBytes: 400, prefix: 'text' });
  let count = 0;
  let going = true;
  const run = async () => {
    for (let batch = 0; going; batch += 1) {
      const messages: { key: string; value: Buffer | null; partition: number }[] = [];
      while (messages.length < 100) {
        const next = records.next();
        if (next.done === true) throw new Error('out of text');
        const { key, value } = next.value;
        messages.push({ key: key.toString(), value, partition: batch % 6 });
      }
      const codec = codecNames[batch % codecNames.length]!;
      const compression = codecIdOf(codec);
      const [answer] = await producer.send({ topic, acks: -1, compression, messages });
      const first = Number(answer?.baseOffset);
      for (const [index, { key }] of messages.entries()) {
        note(acknowledged, { partition: batch % 6, offset: first + index, key });
      }
      count += messages.length;
    }
  };
  const running = run();
  let failure: unknown;
  running.catch((error: unknown) => {
    failure = error;
  });
  return {
    topic,
    acknowledged,
    count: () => {
      if (failure !== undefined) throw new Error('the text writer failed', { cause: failure });
      return count;
    },
    finish: async () => {
      going = false;
      try {
        await running;
      } finally {
        await producer.disconnect();
      }
    },
  };
}

/**
 * Kafka's VerifiableProducer (Java, idempotent, many batches in flight): the numbers 0, 1, 2, … as values, keyed by
 * number modulo 600, and one JSON line for each acknowledgement.
 */
export function startVerifiableWriter(bootstrap: string, topic: string): Writer {
  // The tool turns retries, and so idempotence, off unless a file says otherwise.
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-writer-'));
  const config = join(folder, 'producer.properties');
  writeFileSync(config, 'enable.idempotence=true\nretries=2147483647\nbatch.size=4096\n');
  const args = ['--bootstrap-server', bootstrap, '--topic', topic, '--acks', '-1'];
  args.push('--throughput', '4000', '--repeating-keys', '600', '--command-config', config);
  const main = javaArguments('org.apache.kafka.tools.VerifiableProducer', 256);
  const child = spawn('java', [...main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const acknowledged: Acknowledged = new Map();
  const errors = tailOf(child);
  const ended = exitOf(child);
  const failures: string[] = [];
  let count = 0;
  eachLine(child, (line) => {
    const event: Record<string, unknown> = JSON.parse(line);
    if (event['name'] === 'producer_send_error') failures.push(line);
    if (event['name'] !== 'producer_send_success') return;
    count += 1;
    const at = { partition: Number(event['partition']), offset: Number(event['offset']) };
    note(acknowledged, { ...at, key: String(event['value']) });
  });
  return {
    topic,
    acknowledged,
    count: () => {
      if (failures.length > 0) throw new Error(`sends failed: ${failures[0]} ${errors()}`);
      return count;
    },
    finish: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
      if (failures.length > 0) throw new Error(`sends failed: ${failures[0]} ${errors()}`);
    },
  };
}

function eachLine(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
