// One history, batch for batch, given to our broker and to Apache Kafka, and compacted by both: they hold the same
// records in the same batches afterwards, and Kafka's DumpLogSegments finds nothing wrong with ours.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { RawClient } from '../../bench/load/raw-client.ts';
import { type BrokerKind, type PeerBroker, startBroker } from '../../bench/peers/index.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { CreateTopics, InitProducerId, Produce } from '../../src/protocol/index.ts';
import {
  buildBatch,
  type Codec,
  codecNames,
  iterateBatches,
  prepareCodec,
  readRecords,
} from '../../src/record/index.ts';
import { dumpDeep, dumpIndexSanity } from '../support/peers/dump-log-segments.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';

const TOPIC = 'keyed';
const SEGMENT_BYTES = 1024 * 1024;
const KEYS = 3000;
const BATCHES = 4000;
const TIMEOUT_MS = 120_000;
const kinds: readonly BrokerKind[] = ['tidemark', 'kafka'];

interface Spec {
  readonly codec: Codec;
  readonly idempotent: boolean;
  readonly records: readonly { timestamp: number; key: Buffer; value: Buffer | null }[];
}

/** The same for every broker. Ends in records of their own keys, which fill the active segment. */
function history(): Spec[] {
  const random = new SeededRandom(5);
  const start = Date.now() - 3_600_000;
  let sent = 0;
  return Array.from({ length: BATCHES }, (_, batch) => {
    const filler = batch > BATCHES - 400;
    const records = Array.from({ length: 1 + random.below(filler ? 40 : 12) }, () => {
      sent += 1;
      const key = filler ? `filler ${sent}` : `key ${random.below(KEYS)}`;
      const tombstone = !filler && random.chance(0.1);
      const value = tombstone ? null : random.bytes(random.below(400));
      return { timestamp: start + sent, key: Buffer.from(key), value };
    });
    // The fillers' size must not depend on how well a broker's segment packs.
    const codec = filler ? 'none' : codecNames[batch % codecNames.length]!;
    return { codec, idempotent: random.chance(0.4), records };
  });
}

async function fill(broker: PeerBroker, specs: readonly Spec[]): Promise<void> {
  const client = await RawClient.connect(broker.port);
  try {
    const configs = Object.entries({
      'cleanup.policy': 'compact',
      'segment.bytes': String(SEGMENT_BYTES),
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '86400000',
      'index.interval.bytes': '4096',
    }).map(([name, value]) => ({ name, value }));
    const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
    await client.send(CreateTopics, 4, { topics: [topic], timeoutMs: 30_000 });
    const init = { transactionalId: null, transactionTimeoutMs: 60_000 };
    const { producerId } = await client.send(InitProducerId, 1, init);
    let baseSequence = 0;
    for (const { codec, idempotent, records } of specs) {
      const producer = { producerId, producerEpoch: 0, baseSequence };
      const batch = buildBatch(records, { codec, ...(idempotent ? { producer } : {}) });
      if (idempotent) baseSequence += records.length;
      await produce(client, batch);
    }
  } finally {
    client.close();
  }
}

async function produce(client: RawClient, records: Buffer): Promise<void> {
  for (let tries = 0; ; tries++) {
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
    const answer = await client.send(Produce, 7, { acks: -1, timeoutMs: 30_000, topicData });
    const code = answer.responses[0]?.partitionResponses[0]?.errorCode;
    if (code === 0) return;
    // Leaders are made in the background.
    if (tries > 100) throw new Error(`produce gave error ${code}`);
    await sleep(50);
  }
}

function logsOf(broker: PeerBroker): string[] {
  const folder = join(broker.logDirectory, `${TOPIC}-0`);
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return names.sort().map((name) => join(folder, name));
}

/** Waits until the cleaner's checkpoint says that all but the active segment is clean. */
async function cleaned(broker: PeerBroker): Promise<void> {
  const active = Number(logsOf(broker).at(-1)!.slice(-24, -4));
  const wanted = `${TOPIC} 0 ${active}`;
  const path = join(broker.logDirectory, 'cleaner-offset-checkpoint');
  for (let waited = 0; ; waited += 200) {
    let text = '';
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      // Not written yet.
    }
    if (text.split('\n').includes(wanted)) return;
    if (waited > TIMEOUT_MS)
      throw new Error(`${broker.kind} did not clean up to ${active}: ${text}`);
    await sleep(200);
  }
}

/** What a partition's files hold, in a form that two brokers can be compared by. */
function contents(broker: PeerBroker) {
  const batches: unknown[] = [];
  const records: string[] = [];
  for (const path of logsOf(broker)) {
    const bytes = readFileSync(path);
    for (const header of iterateBatches(bytes)) {
      const { baseOffset, lastOffset, baseSequence, recordCount, codecId, position } = header;
      const marked = header.deleteHorizonMs !== null;
      const batch = bytes.subarray(position, position + header.sizeInBytes);
      let tombstones = 0;
      for (const { offset, timestamp, key, value } of readRecords(batch)) {
        if (value === null) tombstones += 1;
        records.push(`${offset} ${timestamp} ${key} ${value?.toString('hex') ?? 'none'}`);
      }
      // A mark says when the tombstones go. Kafka leaves it on a batch whose last tombstone went in a later pass.
      const dated = tombstones > 0 && marked;
      batches.push({ baseOffset, lastOffset, baseSequence, recordCount, codecId, dated });
    }
  }
  return { batches, records };
}

describe('one history, compacted by Apache Kafka and by us', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-compaction-'));
  const specs = history();
  const brokers = new Map<BrokerKind, PeerBroker>();

  beforeAll(async () => {
    if (missing('broker') !== undefined || missing('java') !== undefined) return;
    await prepareCodec('zstd');
    const config = { 'log.cleaner.backoff.ms': '200' };
    for (const kind of kinds) {
      const broker = await startBroker({ kind, directory: join(directory, kind), config });
      brokers.set(kind, broker);
      try {
        await fill(broker, specs);
        await cleaned(broker);
      } finally {
        await broker.stopKeepingData();
      }
    }
  });

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  testWith('broker', 'java')('the last record of each key is left, in the same batches', () => {
    const sent = specs.flatMap((spec) => spec.records);
    const last = new Map(sent.map(({ key }, offset) => [String(key), offset]));
    const [ours, theirs] = kinds.map((kind) => contents(brokers.get(kind)!));
    expect(ours!.records).toEqual(theirs!.records);
    expect(ours!.batches).toEqual(theirs!.batches);
    expect(ours!.records.map((line) => Number(line.split(' ')[0]))).toEqual(
      [...last.values()].sort((a, b) => a - b),
    );
  });

  testWith('broker', 'java')("Kafka's DumpLogSegments finds nothing wrong with ours", async () => {
    const folder = join(brokers.get('tidemark')!.logDirectory, `${TOPIC}-0`);
    const report = await dumpDeep([folder]);
    // It remarks on every gap; a compacted log has them.
    const gap = /^ {2}\d+ is followed by \d+$/;
    expect(report.complaints.filter((line) => !gap.test(line))).toEqual([]);
    expect(report.complaints.length).toBeGreaterThan(100);
    expect(report.records).toBe(contents(brokers.get('tidemark')!).records.length);
    expect(report.codecs).toEqual(['gzip', 'lz4', 'none', 'snappy', 'zstd']);
    expect((await dumpIndexSanity([folder])).complaints).toEqual([]);
  });
});
