// Batches that are copied land once and in order over connections that are lost at any time, with more of them under
// way than a broker remembers, and with requests that a broker still carries out when their connection is gone.

import { expect, test } from 'vitest';
import { ErrorCode, type KafkaError } from '../../src/base/kafka-errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { Cluster, openBatchSender, tcpNetwork } from '../../src/client/index.ts';
import { ProducerStates } from '../../src/engine/producer-state.ts';
import {
  type ApiVersionsResponse,
  DescribeProducers,
  Metadata,
  Produce,
} from '../../src/protocol/index.ts';
import { BatchHeader, buildBatch, readRecords } from '../../src/record/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { amount } from '../support/amount.ts';
import { testSeed } from '../support/test-seed.ts';
import { FakeBroker, type FakeRequest, metadataBody } from '../unit/client/fake-broker.ts';

const SEED = testSeed();
const REPLAY = `TIDEMARK_SEED=${SEED} npx vitest run --config test/vitest.config.ts test/property/batch-sender.test.ts`;
const RUNS = amount(10, 120);
const BATCHES = 60;
const PARTITIONS = 2;
const identity = { producerId: 7, producerEpoch: 0 };

interface Sent {
  readonly index: number;
  readonly records: Buffer;
}

/** One partition by the rules of our engine, which are Kafka's. */
class Partition {
  readonly states = new ProducerStates();
  readonly values: string[] = [];

  take(records: Buffer): { errorCode: number; baseOffset: number } {
    const header = new BatchHeader(records);
    const { producerId, producerEpoch: epoch, baseSequence, lastSequence } = header;
    try {
      const known = this.states.check({ producerId, epoch, baseSequence, lastSequence });
      if (known !== null) return { errorCode: 0, baseOffset: known.baseOffset };
    } catch (error) {
      return { errorCode: ErrorCode[(error as KafkaError).code], baseOffset: -1 };
    }
    const baseOffset = this.values.length;
    for (const { value } of readRecords(records)) this.values.push(String(value));
    const lastOffset = this.values.length - 1;
    const batch = { baseSequence, lastSequence, baseOffset, lastOffset, timestampMs: 1 };
    this.states.apply(producerId, epoch, batch, 1);
    return { errorCode: 0, baseOffset };
  }
}

/** Loses connections before and after it writes; some of what came over a lost one it writes all the same. */
class LossyBroker {
  readonly partitions = Array.from({ length: PARTITIONS }, () => new Partition());
  readonly broker: FakeBroker;
  readonly #random: SeededRandom;
  underWayMax = 0;
  #underWay = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.broker = new FakeBroker((request) => this.#answer(request));
  }

  #answer({
    api,
    body,
    connection,
  }: FakeRequest): object | undefined | Promise<object | undefined> {
    if (api.key === Metadata.key) return metadataBody('t', PARTITIONS);
    if (api.key === DescribeProducers.key) return this.#described(body);
    if (api.key !== Produce.key) throw new Error(`unexpected ${api.name}`);
    return this.#produced(body, connection);
  }

  #described(body: Record<string, unknown>): object {
    const { topics } = body as { topics: { partitionIndexes: number[] }[] };
    const partitions = (topics[0]?.partitionIndexes ?? []).map((partitionIndex) => ({
      partitionIndex,
      errorCode: 0,
      activeProducers: (this.partitions[partitionIndex]?.states.infos() ?? []).map((one) => ({
        ...one,
        lastTimestamp: one.lastTimestampMs,
        currentTxnStartOffset: -1,
      })),
    }));
    return { topics: [{ name: 't', partitions }] };
  }

  /** Requests of one connection one after the other, as brokers take them. */
  async #produced(
    body: Record<string, unknown>,
    connection: FakeRequest['connection'],
  ): Promise<object | undefined> {
    this.#underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.#underWay);
    const before = this.#turns.get(connection) ?? Promise.resolve();
    const mine = before.then(() => this.#turn());
    this.#turns.set(connection, mine);
    await mine;
    this.#underWay -= 1;
    const draw = this.#random.next();
    if (connection.closed && draw < 0.5) this.#gone.add(connection);
    if (this.#gone.has(connection)) return undefined;
    if (!connection.closed && draw < 0.02) connection.hangUp(null);
    const { topicData } = body as { topicData: { partitionData: Sent[] }[] };
    const partitionResponses = (topicData[0]?.partitionData ?? []).map(({ index, records }) => ({
      index,
      ...(this.partitions[index]?.take(records) ?? { errorCode: 3, baseOffset: -1 }),
    }));
    if (!connection.closed && this.#random.next() < 0.03) connection.hangUp(null);
    return { responses: [{ name: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitionResponses }] };
  }

  readonly #turns = new Map<object, Promise<void>>();
  readonly #gone = new Set<object>();

  async #turn(): Promise<void> {
    for (let turn = this.#random.below(8); turn > 0; turn--) await Promise.resolve();
  }
}

function batchOf(partition: number, n: number, random: SeededRandom): [Buffer, string[]] {
  const values = Array.from({ length: 1 + random.below(3) }, (_, at) => `${partition}/${n}/${at}`);
  const records = values.map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }));
  return [buildBatch(records), values];
}

async function run(seed: number, knowsProducers: boolean): Promise<number> {
  const random = new SeededRandom(seed);
  const lossy = new LossyBroker(random);
  if (!knowsProducers) {
    type Announced = ApiVersionsResponse['apiKeys'];
    const announced: Announced = lossy.broker.announced;
    lossy.broker.announced = announced.filter(({ apiKey }) => apiKey !== DescribeProducers.key);
  }
  const clock = new VirtualClock();
  const how = { clock, random };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], {
    ...how,
    clientId: 'test',
    connector: lossy.broker,
  });
  const cluster = new Cluster({ network, onTrouble: () => {}, ...how });
  const sender = await clock.until(openBatchSender(cluster, { topic: 't', identity }));
  const expected: string[][] = Array.from({ length: PARTITIONS }, () => []);
  const landed: number[] = Array.from({ length: PARTITIONS }, () => 0);
  const failures: Error[] = [];
  for (let n = 0; n < BATCHES; n++) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const [bytes, values] = batchOf(partition, n, random);
      const at = expected[partition]?.length ?? 0;
      expected[partition]?.push(...values);
      void sender.send(partition, bytes, (error, offset) => {
        if (error !== null) failures.push(error);
        else landed[partition] = (landed[partition] ?? 0) + 1;
        if (error === null && offset !== -1) expect(offset).toBe(at);
      });
    }
  }
  await clock.until(sender.flush());
  expect(failures).toEqual([]);
  expect(landed).toEqual(landed.map(() => BATCHES));
  expect(lossy.partitions.map(({ values }) => values)).toEqual(expected);
  return lossy.underWayMax;
}

test('each batch lands once, in order, whatever is lost', async () => {
  let underWayMax = 0;
  for (let n = 0; n < RUNS; n++) {
    const seed = SEED + n;
    try {
      underWayMax = Math.max(underWayMax, await run(seed, true));
    } catch (cause) {
      throw new Error(`run ${n} of seed ${SEED}; again: ${REPLAY}`, { cause });
    }
  }
  expect(underWayMax).toBeGreaterThan(5);
});

test('a broker that cannot say how far a producer came has as many under way as it remembers', async () => {
  for (let n = 0; n < RUNS / 4; n++) {
    try {
      expect(await run(SEED + n, false)).toBeLessThanOrEqual(5);
    } catch (cause) {
      throw new Error(`run ${n} of seed ${SEED}; again: ${REPLAY}`, { cause });
    }
  }
});
