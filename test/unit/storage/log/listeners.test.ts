// A listener that throws is a mistake of who listens: others hear what they wait for all the same, and the log, whose
// bytes are where they should be, goes on.

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { DiskError, openLogStore, type PartitionLog } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../support.ts';

const fault = (): never => {
  throw new TypeError('a mistake of who listens');
};

async function open(flushPolicy: 'sync' | 'os') {
  const disk = new SimulatedDisk({ seed: 3, writesNow: 1 });
  const clock = new VirtualClock();
  const captured = capturedLog();
  const random = new SeededRandom(7);
  const store = await openLogStore({ disk, root: 'test', clock, random, logger: captured.logger });
  const config = { ...testConfig, flushPolicy };
  const log = await clock.until(store.openLog({ name: 't-0', topicId: 'id', config }));
  const faults = () =>
    captured.lines.filter(
      ({ level, message }) => level === 'error' && message.includes('a mistake of who listens'),
    ).length;
  return { disk, clock, store, log, faults };
}

/** Three batches of one turn; the first has a listener that throws before one that does not. */
function appendThree(
  log: PartitionLog,
  when: 'whenWritten' | 'whenCommitted',
  released = () => {},
) {
  const heard: string[] = [];
  for (let index = 0; index < 3; index++) {
    const ticket = log.append({ ...testBatch(index), released });
    if (index === 0) ticket[when](fault);
    ticket[when]((failure) => heard.push(failure === null ? `${index}` : `${index} refused`));
  }
  return heard;
}

describe.each(['sync', 'os'] as const)('with the flush policy %s', (policy) => {
  test.each(['whenWritten', 'whenCommitted'] as const)(
    'one of %s that throws keeps nobody from being told, and the log goes on',
    async (when) => {
      const { clock, store, log, faults } = await open(policy);
      let released = 0;
      const heard = appendThree(log, when, () => {
        released++;
      });
      await clock.advance(1000);
      expect(heard).toEqual(['0', '1', '2']);
      expect(released).toBe(3);
      expect(log.state).toBe('open');
      expect(faults()).toBe(1);
      await clock.until(log.append(testBatch(3)).committed);
      expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3, 6, 9]);
      await clock.until(store.close());
    },
  );

  test('one of onCommit that throws keeps nobody from being told, and the log goes on', async () => {
    const { clock, log, faults } = await open(policy);
    const watermarks: number[] = [];
    log.onCommit(fault);
    log.onCommit((highWatermark) => watermarks.push(highWatermark));
    const heard = appendThree(log, 'whenWritten');
    await clock.until(log.append(testBatch(3)).committed);
    expect(heard).toHaveLength(3);
    expect(watermarks.at(-1)).toBe(12);
    expect(log.state).toBe('open');
    expect(faults()).toBe(watermarks.length + 1);
  });

  test('memory that is given back to somebody who throws fails nothing', async () => {
    const { clock, log, faults } = await open(policy);
    const heard = appendThree(log, 'whenCommitted', fault);
    await clock.advance(1000);
    expect(heard).toEqual(['0', '1', '2']);
    expect(log.state).toBe('open');
    expect(faults()).toBe(4);
  });
});

test('when the log fails, one that throws keeps nobody from hearing of it', async () => {
  const { disk, clock, log, faults } = await open('sync');
  const causes: Error[] = [];
  log.onFailure(fault);
  log.onFailure((cause) => causes.push(cause));
  disk.hook = (operation, path) => {
    if (operation === 'sync') throw new DiskError('io_error', path, 'no sync');
  };
  const heard = appendThree(log, 'whenCommitted');
  const flushed = log.flush().catch((error: Error) => error);
  await clock.advance(1000);
  expect(heard).toEqual(['0 refused', '1 refused', '2 refused']);
  expect(causes).toHaveLength(1);
  expect(await flushed).toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  expect(log.state).toBe('failed');
  expect(faults()).toBe(2);
  disk.hook = () => {};
  await clock.until(log.reopen());
  expect(log.state).toBe('open');
});
