// What a start after a crash reads: each byte behind the recovery point once, and little of what lies before it.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { recoverProducers } from '../../../../src/engine/producer-recovery.ts';
import { encodeProducerSnapshot } from '../../../../src/engine/producer-snapshot.ts';
import { ProducerStates } from '../../../../src/engine/producer-state.ts';
import type { BatchToAppend, Disk, PartitionLog } from '../../../../src/storage/index.ts';
import { MarkTable } from '../../../../src/storage/metadata/marks.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { batchOf, openStore, readBaseOffsets, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 64 * 1024 * 1024, indexIntervalBytes: 4096 };
const BATCH_BYTES = 100_000;

/** Long batches of one moment: times say nothing of where in the log they are. */
function longBatch(sequence: number): BatchToAppend {
  const value = Buffer.alloc(BATCH_BYTES, `value ${sequence} `);
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: sequence };
  return batchOf([{ timestamp: 1000, key: null, value }], { producer });
}

/** What a partition does for its log at a clean stop. */
const hooks = { producerSnapshot: () => encodeProducerSnapshot(new ProducerStates()) };

async function openOn(disk: Disk) {
  const store = await openStore(disk);
  const log = await store.openLog({ name: 'log-0', topicId: 'topic-id', config, hooks });
  return { store, log };
}

async function append(log: PartitionLog, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at++) await log.append(longBatch(at)).committed;
}

/** Counts the bytes read of segments. */
function counted(disk: Disk): { disk: Disk; bytes: () => number } {
  let bytes = 0;
  const wrapped = wrapFiles(disk, (file) => ({
    read: async (into, position) => {
      const count = await file.read(into, position);
      if (file.path.endsWith('.log')) bytes += count;
      return count;
    },
  }));
  return { disk: wrapped, bytes: () => bytes };
}

describe('a start after a kill', () => {
  test('reads what is behind the recovery point once, and headers before it', async () => {
    const disk = new SimulatedDisk({ seed: 4 });
    const before = await openOn(disk);
    await append(before.log, 0, 60);
    await before.store.close();
    const { log } = await openOn(disk);
    await append(log, 60, 10);
    const { disk: next, bytes } = counted(disk.kill());
    const { store, log: after } = await openOn(next);
    expect(after.endOffset).toBe(70);
    // Ten batches are scanned, and those above the mark rewritten; of sixty others headers are read.
    expect(bytes()).toBeLessThan(2.5 * 10 * BATCH_BYTES);
    const opened = bytes();
    const states = await recoverProducers(after, { store, logger: silentLogger, nowMs: 0 });
    expect(states.infos()).toMatchObject([{ producerId: 7, lastSequence: 69 }]);
    expect(bytes()).toBe(opened);
    expect(await readBaseOffsets(after)).toEqual(Array.from({ length: 70 }, (_, at) => at));
    await store.close();
  });

  test('tells what it read of producers once', async () => {
    const disk = new SimulatedDisk({ seed: 5 });
    const { log } = await openOn(disk);
    await append(log, 0, 3);
    const { store, log: after } = await openOn(disk.kill());
    const scanned = after.takeScanned();
    const found = Array.from(scanned?.headers() ?? [], (header) => header.baseSequence);
    expect(scanned?.from).toBe(0);
    expect(found).toEqual([0, 1, 2]);
    expect(after.takeScanned()).toBeNull();
    await store.close();
  });

  test('may be cut short by another, before the segments of the first are finished', async () => {
    let disk = new SimulatedDisk({ seed: 6 });
    const first = await openOn(disk);
    await append(first.log, 0, 3);
    for (let life = 1; life < 4; life++) {
      disk = disk.kill();
      const { log } = await openOn(disk);
      expect(await readBaseOffsets(log)).toEqual(Array.from({ length: life * 3 }, (_, at) => at));
      await append(log, life * 3, 3);
    }
    const last = disk.crash();
    const { store, log } = await openOn(last);
    expect(log.endOffset).toBe(12);
    await store.close();
    const clean = await openOn(last);
    expect(clean.log.endOffset).toBe(12);
    expect(await readBaseOffsets(clean.log)).toEqual(Array.from({ length: 12 }, (_, at) => at));
    await clean.store.close();
  });
});

describe('the marks', () => {
  test('are written at once when much was committed, without waiting for their time', async () => {
    const disk = new SimulatedDisk({ seed: 7 });
    const clock = new VirtualClock();
    const tasks = new TaskOwner(silentLogger);
    const loaded = { marks: new Map(), lost: false, refused: null };
    const marks = new MarkTable({ disk, clock, logger: silentLogger, tasks, loaded });
    let published = 0;
    const source = {
      publishMark: () => {
        published += 1;
      },
      advanceRecoveryPoint: async () => {},
    };
    marks.touch(source, 1024);
    await tasks.idle();
    expect(published).toBe(0);
    marks.touch(source, 16 * 1024 * 1024);
    await tasks.idle();
    expect(published).toBe(1);
    await marks.close();
  });
});
