// A million records and half a gigabyte of real text: kcat, Java, kafkajs and @platformatic/kafka, each as producer
// and each as consumer, all codecs, six partitions. Byte for byte, in order, with the same timestamps.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type PeerBroker, startBroker, testTarget } from '../../bench/peers/index.ts';
import type { Codec } from '../../src/record/index.ts';
import type { InteropClient } from '../support/peers/interop-client.ts';
import type { PartitionSummary } from '../support/peers/partition-digest.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import {
  createTopic,
  interopClients,
  readBack,
  type Sent,
  send,
  withoutTimestamps,
} from '../support/peers/round-trip.ts';

interface Load {
  readonly producer: InteropClient;
  readonly topic: string;
  readonly codecs: readonly Codec[];
  readonly count: number;
  readonly readers: readonly InteropClient[];
}

const all = interopClients;

/** Most is sent by the fast ones. */
const loads: readonly Load[] = [
  load('kcat', 400_000),
  { ...load('java', 220_000), codecs: ['none', 'gzip', 'lz4', 'zstd'] },
  // Java frames snappy as xerial does, which @platformatic/kafka 1.35 cannot read.
  {
    ...load('java', 30_000),
    topic: 'from-java-snappy',
    codecs: ['snappy'],
    readers: all.filter((client) => client.name !== 'platformatic'),
  },
  load('kafkajs', 120_000),
  load('platformatic', 250_000),
];

function load(name: InteropClient['name'], count: number): Load {
  const producer = all.find((client) => client.name === name)!;
  return { producer, topic: `from-${name}`, codecs: producer.codecs, count, readers: all };
}

const RECORD_BYTES = 500;
const FILES_APART = 3_000;

describe('a million records of real text go through every client', () => {
  let broker: PeerBroker | undefined;
  const sent = new Map<string, Sent>();
  const seen = new Map<string, PartitionSummary[]>();

  beforeAll(async () => {
    if (missing('broker') === undefined) broker = await startBroker({ kind: testTarget() });
  });

  afterAll(async () => {
    await broker?.stop();
  });

  for (const [place, { producer, topic, codecs, count, readers }] of loads.entries()) {
    testWith('broker', producer.tool)(`${topic}: ${count} records are sent`, async () => {
      const { bootstrap } = broker!;
      await createTopic(bootstrap, topic);
      const skipFiles = place * FILES_APART;
      const plan = { bootstrap, topic, producer, codecs, count, recordBytes: RECORD_BYTES };
      sent.set(topic, await send({ ...plan, skipFiles }));
      expect(sent.get(topic)?.count).toBe(count);
    });
    for (const reader of readers) {
      testWith(
        'broker',
        producer.tool,
        reader.tool,
      )(`${topic}: ${reader.name} reads`, async () => {
        const expected = sent.get(topic)!;
        const read = await readBack(reader, { bootstrap: broker!.bootstrap, topic, count });
        expect(withoutTimestamps(read)).toEqual(withoutTimestamps(expected.partitions));
        if (expected.timestampsKnown) expect(read).toEqual(expected.partitions);
        // Where the producing client set the timestamps, every reader sees the same.
        const first = seen.get(topic) ?? read;
        seen.set(topic, first);
        expect(read).toEqual(first);
      });
    }
  }

  const tools = [...new Set(all.map((client) => client.tool))];
  testWith('broker', ...tools)('together they were a million records and 500 MB', () => {
    const sum = (of: (one: Sent) => number) =>
      [...sent.values()].reduce((total, one) => total + of(one), 0);
    expect(sum((one) => one.count)).toBeGreaterThanOrEqual(1_000_000);
    expect(sum((one) => one.bytes)).toBeGreaterThanOrEqual(500_000_000);
  });
});
