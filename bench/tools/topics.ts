// The topics that jobs copy, the same in every run: one that is not compressed, and one as services write them, of JSON
// that a codec makes a third of.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { Codec } from '../../src/record/index.ts';
import { buildBatch, prepareCodec } from '../../src/record/index.ts';
import { createTopic, RawClient, recordInEach } from '../load/raw-client.ts';

export const PARTITIONS = 6;
const BATCH_RECORDS = 100;
const WRITERS = 4;
/** Of JSON; they take turns, as each is compressed by itself. */
const DIFFERENT_BATCHES = 50;
const PLAIN_BYTES = 1000;

export interface SourceTopic {
  readonly name: string;
  readonly codec: Codec;
  /** In words. */
  readonly about: string;
  value(batch: number, record: number, random: SeededRandom): Buffer;
}

export type TopicName = 'plain' | 'lz4';

export const sourceTopics: Readonly<Record<TopicName, SourceTopic>> = {
  plain: {
    name: 'source',
    codec: 'none',
    about: `${PLAIN_BYTES} B records`,
    value: (batch, record) =>
      Buffer.alloc(PLAIN_BYTES, `record ${batch} ${record} of a topic that is copied; `),
  },
  lz4: {
    name: 'source-lz4',
    codec: 'lz4',
    about: 'JSON records of about 1 KB, lz4',
    value: (_, __, random) => Buffer.from(JSON.stringify(order(random))),
  },
};

/** What was written: records, and the bytes of their values before compression. */
export interface Written {
  readonly records: number;
  readonly bytes: number;
}

/** Makes the topic, of so many bytes at least. Several write at a time, so that they share the broker's syncs. */
export async function fillTopic(port: number, topic: SourceTopic, bytes: number): Promise<Written> {
  await prepareCodec(topic.codec);
  const admin = await RawClient.connect(port);
  await createTopic(admin, topic.name, PARTITIONS);
  admin.close();
  const batches = Array.from({ length: DIFFERENT_BATCHES }, (_, batch) => batchOf(topic, batch));
  const share = Array.from({ length: WRITERS }, (_, writer) =>
    write(port, topic, { batches, first: writer, bytes: bytes / WRITERS }),
  );
  const all = await Promise.all(share);
  return {
    records: all.reduce((sum, one) => sum + one.records, 0),
    bytes: all.reduce((sum, one) => sum + one.bytes, 0),
  };
}

interface Batch extends Written {
  readonly encoded: Buffer;
}

function batchOf(topic: SourceTopic, batch: number): Batch {
  const random = new SeededRandom(batch);
  const records = Array.from({ length: BATCH_RECORDS }, (_, record) => ({
    timestamp: Date.now(),
    key: Buffer.from(`key-${record}`),
    value: topic.value(batch, record, random),
  }));
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
  const encoded = buildBatch(records, { codec: topic.codec });
  return { records: BATCH_RECORDS, bytes, encoded };
}

async function write(
  port: number,
  { name }: SourceTopic,
  share: { readonly batches: readonly Batch[]; readonly first: number; readonly bytes: number },
): Promise<Written> {
  const { batches, first } = share;
  const client = await RawClient.connect(port);
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => index);
  let [records, bytes] = [0, 0];
  for (let round = first; bytes < share.bytes; round++) {
    const batch = batches[round % batches.length];
    if (batch === undefined) break;
    await recordInEach(client, name, partitions, batch.encoded);
    records += PARTITIONS * batch.records;
    bytes += PARTITIONS * batch.bytes;
  }
  client.close();
  return { records, bytes };
}

const names = ['Anna', 'Ben', 'Chidi', 'Daria', 'Elif', 'Farid', 'Grete', 'Hiro', 'Ines', 'Jonas'];
const things = 'lamp chair table shelf clock carpet mirror basket kettle plate candle frame'.split(
  ' ',
);
const looks = 'small large round green blue wooden woven steel oak linen plain folding'.split(' ');
const cities = ['Hamburg', 'Lyon', 'Turin', 'Gdansk', 'Porto', 'Ghent', 'Aarhus', 'Graz'];
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'ShopApp/7.12.3 (Android 16; Pixel 9)',
];

function hex(random: SeededRandom, bytes: number): string {
  return random.bytes(bytes).toString('hex');
}

/** An event of a shop: most of it is like in others, ids and amounts are not. */
function order(random: SeededRandom): object {
  const pick = (from: readonly string[]): string => from[random.below(from.length)] ?? '';
  const items = Array.from({ length: 2 + random.below(4) }, () => ({
    sku: `SKU-${100_000 + random.below(900_000)}`,
    title: `${pick(looks)} ${pick(looks)} ${pick(things)}`,
    quantity: 1 + random.below(3),
    unitPrice: { amount: random.below(20_000) / 100, currency: 'EUR' },
  }));
  return {
    eventId: hex(random, 16),
    eventType: 'order.placed',
    schemaVersion: 4,
    occurredAt: new Date(1_764_000_000_000 + random.below(86_400_000)).toISOString(),
    customer: {
      customerId: random.below(1_000_000),
      name: `${pick(names)} ${pick(names)}sen`,
      address: { street: `${pick(looks)} street ${random.below(200)}`, city: pick(cities) },
      newsletter: random.below(2) === 0,
    },
    items,
    payment: { method: pick(['card', 'invoice', 'transfer']), reference: hex(random, 8) },
    request: { userAgent: pick(agents), session: hex(random, 12), path: '/checkout/confirm' },
  };
}
