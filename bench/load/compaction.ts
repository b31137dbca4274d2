// `npm run bench -- compaction`: a log of ten million distinct keys, a fifth of them written again, is compacted while
// 10 000 records a second are produced to another topic. Told: how fast it is cleaned, how late the broker's event loop
// was, and what the producer waited, with and without cleaning.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTopics, Produce } from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';
import {
  type BrokerConfig,
  installLibrdkafka,
  type Librdkafka,
  type PeerBroker,
  removeFolder,
  startBroker,
  temporaryFolder,
} from '../peers/index.ts';
import { type SuiteRun, TIDEMARK, wants } from '../suite.ts';
import { type Measured, pacedLoad } from './clients.ts';
import { prepareMachine } from './prepare.ts';
import { createTopic, RawClient } from './raw-client.ts';
import { PARTITIONS } from './rows.ts';
import { watch } from './watch.ts';

const WITHOUT = 'produce 10,000/s, no cleaning';
const BESIDE = 'produce 10,000/s, cleaning';
const CLEANING = 'cleaning';

const KEYED = 'keyed';
const BATCH_RECORDS = 1000;
const KEY_BYTES = 16;
const VALUE_BYTES = 76;
const SEGMENT_BYTES = 100_000_000;
const POLL_MS = 100;
const CLEANED_MS = 300_000;

interface CompactionBench {
  readonly keys: number;
  /** How long the paced load is measured. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const fullSize: CompactionBench = { keys: 10_000_000, seconds: 30, warmUpSeconds: 3 };
const quickSize: CompactionBench = { keys: 300_000, seconds: 3, warmUpSeconds: 1 };

const PER_SECOND = 10_000;
/** What a load and the cleaning beside it write, about. */
const WRITTEN_BYTES = 1_500_000_000;

/** Key number `index`: spread like hashes, so that neighbours share nothing. */
function keyOf(index: number): Buffer {
  return createHash('sha1').update(String(index)).digest().subarray(0, KEY_BYTES);
}

async function fill(client: RawClient, keys: number): Promise<void> {
  const configs = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'segment.bytes', value: String(SEGMENT_BYTES) },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
  ];
  const topic = { name: KEYED, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  await client.send(CreateTopics, 4, { topics: [topic], timeoutMs: 30_000 });
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  const again = Math.floor(keys / 5);
  // The last segment is the active one, which is never cleaned: it gets records of its own.
  const filler = Math.ceil(SEGMENT_BYTES / 90);
  const total = keys + again + filler;
  for (let first = 0; first < total; first += BATCH_RECORDS) {
    const records = Array.from({ length: BATCH_RECORDS }, (_, at) => {
      const number = first + at;
      const repeats = number >= keys && number < keys + again;
      const index = repeats ? (number - keys) * 5 : number;
      return { timestamp: Date.now(), key: keyOf(index), value };
    });
    const partitionData = [{ index: 0, records: buildBatch(records) }];
    const request = { acks: 1, timeoutMs: 30_000, topicData: [{ name: KEYED, partitionData }] };
    const answer = await client.send(Produce, 7, request);
    const code = answer.responses[0]?.partitionResponses[0]?.errorCode;
    if (code !== 0) throw new Error(`filling gave error ${code}`);
  }
}

/** Works on a broker that says how late its event loop is; its data stays. */
async function onBroker<T>(
  directory: string,
  config: BrokerConfig,
  work: (broker: PeerBroker) => Promise<T>,
): Promise<T> {
  const data = join(directory, 'data');
  const broker = await startBroker({ kind: 'tidemark', directory: data, config, metrics: true });
  try {
    return await work(broker);
  } finally {
    await broker.stopKeepingData();
  }
}

/**
 * What a steady producer of 10 000 records a second waits, and how late the broker's event loop is meanwhile. What was
 * written before is synced first: the disk's own writing back is no part of it. Nor is memory that has to be got.
 */
async function steadily({ run, tools, bench }: Work, broker: PeerBroker): Promise<Measured> {
  const { seconds, warmUpSeconds } = bench;
  await prepareMachine(run, WRITTEN_BYTES);
  const load = { topic: 'steady', partitions: PARTITIONS, perSecond: PER_SECOND, seconds };
  const { result, figures } = await watch(broker, () =>
    pacedLoad(
      tools,
      broker,
      { ...load, warmUpSeconds, recordBytes: 1024, until: 'ack' },
      { 'linger.ms': '5' },
    ),
  );
  return { figures: { ...result.figures, ...figures }, latencies: result.latencies };
}

const p99Of = ({ figures }: Measured): number => figures['p99Ms'] ?? Number.NaN;

function logBytes(broker: PeerBroker): number {
  const folder = join(broker.logDirectory, `${KEYED}-0`);
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** Waits until the cleaner says that all but the active segment is clean. Answers when that was. */
async function cleaned(broker: PeerBroker): Promise<number> {
  const folder = join(broker.logDirectory, `${KEYED}-0`);
  for (const end = performance.now() + CLEANED_MS; performance.now() < end; ) {
    const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
    const active = Number(logs.sort().at(-1)?.slice(0, 20));
    try {
      const text = readFileSync(join(broker.logDirectory, 'cleaner-offset-checkpoint'), 'utf8');
      if (text.includes(`${KEYED} 0 ${active}\n`)) return performance.now();
    } catch {
      // Nothing was cleaned yet.
    }
    await sleep(POLL_MS);
  }
  throw new Error(`the log was not clean within ${CLEANED_MS} ms`);
}

interface Work {
  readonly run: SuiteRun;
  readonly tools: Librdkafka;
  readonly bench: CompactionBench;
  readonly wanted: ReadonlySet<string>;
}

/** Runs it in a temporary folder. What cleaning adds needs the load without it, asked for or not. */
async function measureCompaction(work: Work): Promise<void> {
  const { run, bench, wanted } = work;
  const directory = temporaryFolder('bench-compaction-');
  try {
    const still = { 'log.cleaner.enable': 'false' };
    await onBroker(directory, still, async (broker) => {
      const client = await RawClient.connect(broker.port);
      try {
        await fill(client, bench.keys);
        await createTopic(client, 'steady', PARTITIONS);
      } finally {
        client.close();
      }
    });
    const without = await onBroker(directory, still, (broker) => steadily(work, broker));
    if (wanted.has(WITHOUT)) run.add(TIDEMARK, WITHOUT, without.figures, without.latencies);
    if (!wanted.has(BESIDE) && !wanted.has(CLEANING)) return;
    await onBroker(directory, { 'log.cleaner.backoff.ms': '1000' }, (broker) =>
      measureCleaning(work, broker, p99Of(without)),
    );
  } finally {
    removeFolder(directory);
  }
}

async function measureCleaning(work: Work, busy: PeerBroker, p99Without: number): Promise<void> {
  const { run, wanted } = work;
  const bytes = logBytes(busy);
  const began = performance.now() + 1000;
  const done = cleaned(busy);
  // Should the load fail, that is what is told.
  done.catch(() => undefined);
  const during = await steadily(work, busy);
  const p99TimesWithoutCleaning = p99Of(during) / p99Without;
  const figures = { ...during.figures, p99TimesWithoutCleaning };
  if (wanted.has(BESIDE)) run.add(TIDEMARK, BESIDE, figures, during.latencies);
  if (!wanted.has(CLEANING)) return;
  const produced = performance.now();
  const ended = await done;
  run.add(TIDEMARK, CLEANING, {
    logMb: bytes / 1e6,
    leftMb: logBytes(busy) / 1e6,
    seconds: (ended - began) / 1e3,
    mbPerSecond: bytes / 1e6 / ((ended - began) / 1e3),
    secondsBesideProduce: (Math.min(ended, produced) - began) / 1e3,
  });
}

/** The suite `compaction`: ours alone, with librdkafka's producer as the steady load. */
export async function runCompaction(run: SuiteRun): Promise<void> {
  const client = 'load.c on librdkafka, 1 KiB, acks=all, linger 5 ms';
  const load = `${client}, ${PARTITIONS} partitions, open loop until acknowledged`;
  const rows = {
    [WITHOUT]: load,
    [BESIDE]: `${load}, while the log of the next row is cleaned`,
    [CLEANING]: 'ten million keys of 16 B with 76 B values, a fifth written twice',
  };
  const wanted = new Set<string>();
  for (const [row, how] of Object.entries(rows)) {
    if (!wants(run.options, row)) continue;
    wanted.add(row);
    run.describe(row, how);
  }
  if (wanted.size === 0) return;
  const bench = run.options.quick ? quickSize : fullSize;
  await measureCompaction({ run, tools: await installLibrdkafka(), bench, wanted });
}
