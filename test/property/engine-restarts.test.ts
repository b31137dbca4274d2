// Random appends, repetitions, crashes and reopenings of an engine against the simplest model: the list of batches
// that were acknowledged.

import { expect, test } from 'vitest';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { batchBytes, buildBatch, iterateBatches, readRecords } from '../../src/record/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';
import { copyDisk, FaultyDisk } from '../unit/engine/support/faulty-disk.ts';

const TOPIC = 'events';
const PRODUCER = 4;

function open(disk: Disk, clock: VirtualClock, seed: number): Promise<Engine> {
  const random = new SeededRandom(seed);
  return openEngine({ disk, root: 'data', clock, random, logger: silentLogger });
}

async function valuesIn(engine: Engine): Promise<string[]> {
  const partition = engine.partition(TOPIC, 0)!;
  const values: string[] = [];
  for (let offset = partition.startOffset; offset < partition.highWatermark; ) {
    const { records } = await partition.read({
      offset,
      maxBytes: 4096,
      minOneBatch: true,
      isolation: 'read_uncommitted',
      currentLeaderEpoch: -1,
    });
    const loaded = 'load' in records ? await records.load() : records;
    const bytes = Buffer.isBuffer(loaded) ? loaded : Buffer.concat(loaded);
    for (const header of iterateBatches(bytes)) {
      for (const record of readRecords(batchBytes(header))) values.push(record.value!.toString());
      offset = header.nextOffset;
    }
  }
  return values;
}

/** Sends batch number `sequence` of the producer; answers its base offset or the error's code. */
async function send(engine: Engine, sequence: number): Promise<number | string> {
  const record = { timestamp: 1_767_225_600_000, key: null, value: Buffer.from(`v${sequence}`) };
  const producer = { producerId: PRODUCER, producerEpoch: 0, baseSequence: sequence };
  const records = buildBatch([record], { producer });
  try {
    const answer = await engine
      .partition(TOPIC, 0)!
      .append({ records, acks: -1, origin: 'client' });
    return answer.baseOffset;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

const step = fc.oneof(
  { weight: 10, arbitrary: fc.constant<'send'>('send') },
  { weight: 4, arbitrary: fc.nat({ max: 6 }).map((back) => ({ repeat: back })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<'crash' | 'restart' | 'roll'>('crash', 'restart', 'roll'),
  },
);

test('whatever is sent again and however the engine stops, each batch is there once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      const clock = new VirtualClock();
      let disk = new FaultyDisk();
      let engine = await open(disk, clock, 1);
      const configs = new Map([['internal.segment.bytes', '400']]);
      await engine.createTopic({ name: TOPIC, partitions: 1, configs });
      let sent = 0;
      for (const [index, action] of steps.entries()) {
        if (action === 'send') {
          expect(await send(engine, sent)).toBe(sent);
          sent += 1;
        } else if (typeof action === 'object') {
          const sequence = sent - 1 - action.repeat;
          if (sequence < 0) continue;
          const expected = action.repeat < 5 ? sequence : 'OUT_OF_ORDER_SEQUENCE_NUMBER';
          expect(await send(engine, sequence)).toBe(expected);
        } else if (action === 'roll') {
          await clock.advance(300_000);
        } else {
          if (action === 'restart') await engine.close();
          disk = await copyDisk(disk);
          engine = await open(disk, clock, index + 2);
        }
      }
      expect(await valuesIn(engine)).toEqual(Array.from({ length: sent }, (_, at) => `v${at}`));
      await engine.close();
    }),
    { numRuns: amount(15, 120) },
  );
});
