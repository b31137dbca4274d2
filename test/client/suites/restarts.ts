// What is promised when connections are lost and the broker restarts under load: every record at least once, in order
// for each partition, and committed offsets never behind what was said.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { committedOffsets } from '../../../src/client/index.ts';
import type { Target } from '../targets.ts';
import { openStage, type Stage, until } from './consumer-stage.ts';

const PARTITIONS = 4;
const RECORDS = 4_000;

export function restartSuite(target: Target): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(target);
  });
  afterAll(() => stage.close());

  test.runIf(target.restartable).each(['classic', 'consumer'] as const)(
    'a %s group outlives two restarts of the broker',
    { timeout: 120_000 },
    async (protocol) => {
      const topic = await stage.topic(PARTITIONS);
      const group = stage.name('g');
      const producer = stage.client.producer({ key: 'string', value: 'string' });
      const seen = new Map<number, number[]>();
      const saidMin = new Map<number, number>();
      const member = () =>
        stage.consumer({
          topics: [topic],
          group,
          protocol,
          key: 'string',
          value: 'string',
          heartbeatIntervalMs: 100,
          autoCommit: false,
        });
      const members = [member(), member()];
      const reading = members.map((consumer) =>
        consumer.run(async ({ partition, value, offset }) => {
          seen.set(partition, [...(seen.get(partition) ?? []), Number(value)]);
          if (offset % 50 !== 0) return;
          const next = offset + 1;
          try {
            await consumer.commit([{ topic, partition, offset: next }]);
          } catch {
            // Somebody else's by now, or nobody can be asked: then nothing was said.
            return;
          }
          saidMin.set(partition, Math.max(saidMin.get(partition) ?? 0, next));
        }),
      );
      const sending: Promise<unknown>[] = [];
      for (let value = 0; value < RECORDS; value++) {
        const partition = value % PARTITIONS;
        sending.push(producer.send({ topic, key: null, value: String(value), partition }));
        if (value % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20));
        if (value === 1_000 || value === 2_500) await stage.restart();
      }
      await Promise.all(sending);
      const count = (): number => new Set([...seen.values()].flat()).size;
      await until(() => count() === RECORDS, 60_000);
      for (const [partition, values] of seen) {
        // In order, but for steps back to where a commit was: what follows a step back was all seen before.
        let most = -1;
        for (const value of values) {
          expect(value % PARTITIONS).toBe(partition);
          if (value > most) expect(value - most).toBe(most < 0 ? partition + 1 : PARTITIONS);
          most = Math.max(most, value);
        }
      }
      const committed = await committedOffsets(
        stage.cluster,
        group,
        topic,
        Array.from({ length: PARTITIONS }, (_, index) => index),
      );
      for (const [partition, said] of saidMin) {
        expect(committed.get(partition) ?? -1).toBeGreaterThanOrEqual(said);
      }
      expect(saidMin.size).toBe(PARTITIONS);
      await producer.close();
      await Promise.all(members.map((consumer) => consumer.close()));
      await Promise.all(reading);
    },
  );
}
