import { expect, test } from 'vitest';
import { BatchHeader, buildBatch } from '../../../../src/record/index.ts';
import type { SegmentFacts } from '../../../../src/storage/compaction/plan.ts';
import { readSegment } from '../../../../src/storage/compaction/segment-source.ts';
import { MemoryDisk } from '../../../../src/storage/index.ts';

const MEMORY_BYTES = 64 * 1024;
const path = 'log/00000000000000000000.log';

/** Batches with values of these lengths, one after the other. */
function batchesOf(valueBytes: readonly number[]): Buffer[] {
  return valueBytes.map((bytes, index) =>
    buildBatch(
      [{ timestamp: 1, key: Buffer.from(`key ${index}`), value: Buffer.alloc(bytes, index) }],
      {
        baseOffset: index,
      },
    ),
  );
}

async function read(
  bytes: Buffer,
  skip: readonly { position: number; bytes: number }[] = [],
  then: (disk: MemoryDisk) => Promise<void> = async () => {},
) {
  const disk = new MemoryDisk();
  await disk.makeDirectory('log');
  const file = await disk.open(path, 'create');
  await file.write([bytes], 0);
  const source = {
    disk,
    directory: 'log',
    skip: skip.map((range) => ({ ...range, segmentBaseOffset: 0 })),
  };
  const facts = { baseOffset: 0, bytes: bytes.length } as SegmentFacts;
  const found: { offset: number; bytes: Buffer }[] = [];
  for await (const group of readSegment(source, facts, Buffer.alloc(MEMORY_BYTES))) {
    for (const batch of group) {
      found.push({ offset: new BatchHeader(batch).baseOffset, bytes: Buffer.from(batch) });
    }
    await then(disk);
  }
  return found;
}

test('gives every batch in order, also those that are longer than the memory', async () => {
  const lengths = [10, 30_000, 200_000, 5, 33_000, 33_000, 70_000, 64 * 1024, 1];
  const batches = batchesOf(lengths);
  const found = await read(Buffer.concat(batches));
  expect(found.map(({ offset }) => offset)).toEqual(lengths.map((_, index) => index));
  expect(Buffer.concat(found.map(({ bytes }) => bytes)).equals(Buffer.concat(batches))).toBe(true);
});

test.each([
  ['in the middle of a group', [10, 10, 10, 10], 2],
  ['that is longer than the memory', [10, 10, 200_000, 10], 2],
  ['at the beginning', [10, 10], 0],
] as const)('a bad batch %s ends it with the place', async (_where, lengths, bad) => {
  const batches = batchesOf(lengths);
  const place = batches.slice(0, bad).reduce((sum, batch) => sum + batch.length, 0);
  const bytes = Buffer.concat(batches);
  bytes[place + 70] = (bytes[place + 70] as number) ^ 1;
  await expect(read(bytes)).rejects.toThrow(`at position ${place};`);
  const length = (batches[bad] as Buffer).length;
  const around = await read(bytes, [{ position: place, bytes: length }]);
  expect(around.map(({ offset }) => offset)).toEqual(
    lengths.map((_, index) => index).filter((index) => index !== bad),
  );
});

test('a batch that is cut off is a bad one', async () => {
  const bytes = Buffer.concat(batchesOf([10, 10]));
  await expect(read(bytes.subarray(0, bytes.length - 1))).rejects.toThrow('a bad batch');
  await expect(read(bytes.subarray(0, bytes.length / 2 + 30))).rejects.toThrow('a bad batch');
});

test('a segment that retention takes, and cuts, while it is read is gone, not damaged', async () => {
  const bytes = Buffer.concat(batchesOf([50_000, 50_000, 50_000]));
  const cut = async (disk: MemoryDisk): Promise<void> => {
    await disk.rename(path, `${path}.deleted`);
    const file = await disk.open(`${path}.deleted`, 'write');
    await file.truncate(1000);
  };
  await expect(read(bytes, [], cut)).rejects.toMatchObject({ code: 'not_found' });
  const damage = async (disk: MemoryDisk): Promise<void> => {
    await (await disk.open(path, 'write')).truncate(1000);
  };
  await expect(read(bytes, [], damage)).rejects.toMatchObject({ code: 'damaged' });
});
