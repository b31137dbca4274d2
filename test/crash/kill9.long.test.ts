// kill -9 in the middle of a load, ten times over. Every record that was acknowledged with acks=all is there, at the
// offset that was said, once, in order; and nothing is there that was not sent.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect } from 'vitest';
import { type PeerBroker, startBroker, testTarget, waitUntil } from '../../bench/peers/index.ts';
import type { ReadRecord } from '../support/peers/interop-client.ts';
import { kcatClient } from '../support/peers/kcat.ts';
import { testWith } from '../support/peers/require-tool.ts';
import { createTopic } from '../support/peers/round-trip.ts';
import { startTextWriter, startVerifiableWriter, type Writer } from '../support/peers/writers.ts';

const KILLS = Number(process.env['TIDEMARK_KILLS'] ?? 10);

/** Number in a key such as `text-17`, or in a value such as `17`. */
function numberIn(text: string): number {
  return Number(text.slice(text.lastIndexOf('-') + 1));
}

/** What a finished topic must be, given what was acknowledged. `nameOf` tells a record's place in the sending order. */
async function check(
  broker: PeerBroker,
  writer: Writer,
  nameOf: (record: ReadRecord) => string,
): Promise<void> {
  const seen = new Map<string, string>();
  const last = new Map<number, { offset: number; number: number; key: string }>();
  const found = new Map<number, Map<number, string>>();
  await kcatClient.consume({
    bootstrap: broker.bootstrap,
    topic: writer.topic,
    count: 0,
    onRecord: (record) => {
      const name = nameOf(record);
      const place = `${record.partition}:${record.offset}`;
      expect(seen.get(name), `${name} is there twice, at ${place} too`).toBeUndefined();
      seen.set(name, place);
      const before = last.get(record.partition);
      expect(record.offset, 'offsets without a gap').toBe((before?.offset ?? -1) + 1);
      expect(numberIn(name), `order at ${place}`).toBeGreaterThan(before?.number ?? -1);
      last.set(record.partition, { offset: record.offset, number: numberIn(name), key: name });
      const partition = found.get(record.partition) ?? new Map<number, string>();
      found.set(record.partition, partition.set(record.offset, name));
    },
  });
  let lost = 0;
  for (const [partition, records] of writer.acknowledged) {
    for (const [offset, name] of records) {
      if (found.get(partition)?.get(offset) !== name) lost += 1;
    }
  }
  expect(lost, 'acknowledged records that are not at their offset').toBe(0);
}

describe('kill -9 under load', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-kill9-'));
  let broker: PeerBroker | undefined;

  afterAll(async () => {
    await broker?.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  testWith(
    'broker',
    'java',
    'kcat',
  )(`${KILLS} times: every acknowledged record is there once, in order`, async () => {
    broker = await startBroker({ kind: testTarget(), directory });
    const { bootstrap, port } = broker;
    // Small segments, so that the kills also meet rolls.
    const config = { 'segment.bytes': String(4 * 1024 * 1024) };
    for (const topic of ['text', 'numbers']) await createTopic(bootstrap, topic, config);
    const text = await startTextWriter(bootstrap, 'text');
    const numbers = startVerifiableWriter(bootstrap, 'numbers');
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = [text.count(), numbers.count()] as const;
      await waitUntil(() => text.count() > before[0] + 1_000 && numbers.count() > before[1] + 500, {
        timeoutMs: 120_000,
        what: `acknowledgements after kill ${kill}`,
      });
      // A different point of the load each time; which one is not repeatable with real processes.
      await sleep((kill * 137) % 400);
      await broker.kill();
      broker = await startBroker({ kind: testTarget(), directory, port });
    }
    const [sentText, sentNumbers] = [text.count(), numbers.count()];
    await waitUntil(() => text.count() > sentText && numbers.count() > sentNumbers, {
      timeoutMs: 120_000,
      what: 'acknowledgements after the last start',
    });
    await text.finish();
    await numbers.finish();
    expect(text.count()).toBeGreaterThan(KILLS * 1_000);
    await check(broker, text, (record) => record.key.toString());
    await check(broker, numbers, (record) => String(record.value));
    await broker.stopKeepingData();
  });
});
