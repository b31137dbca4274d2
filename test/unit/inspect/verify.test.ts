import { describe, expect, test } from 'vitest';
import { verifyDirectory } from '../../../src/inspect/index.ts';
import { MemoryDisk, writeTopicId } from '../../../src/storage/index.ts';
import { noteCleaned } from '../../../src/storage/metadata/cleaned-segments.ts';
import {
  append,
  bare,
  batchesOf,
  catalogue,
  faults,
  flip,
  logsOf,
  makeDirectory,
  openOrders,
  openStore,
  readFile,
  repair,
  verify,
  writeFile,
} from './directory.ts';

async function middle(disk: MemoryDisk, segment = 1) {
  const path = (await logsOf(disk))[segment] as string;
  const batches = batchesOf(await readFile(disk, path));
  const batch = batches[Math.floor(batches.length / 2)];
  if (batch === undefined) throw new Error('no batch');
  return { path, batch, batches, stem: path.slice(0, -4) };
}

describe('a directory that is as it should be', () => {
  test('stopped cleanly, has no findings, and its counts are right', async () => {
    const disk = await makeDirectory();
    const report = await verify(disk);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ flavour: 'tidemark', ok: true, records: 360, lostOffsets: 0 });
    expect(report.partitions).toMatchObject([
      { directory: 'orders-0', batches: 120, records: 360, startOffset: 0, endOffset: 360 },
    ]);
    expect(report.partitions[0]?.segments).toBe((await logsOf(disk)).length);
    expect(report.partitions[0]?.segments).toBeGreaterThan(2);
  });

  test('tells of progress up to all bytes', async () => {
    const disk = await makeDirectory();
    const seen: number[] = [];
    const report = await verifyDirectory({
      disk,
      catalogue,
      live: false,
      deep: false,
      onProgress: ({ bytesDone, bytesTotal }) => seen.push(bytesDone / bytesTotal),
    });
    expect(report.bytes).toBeGreaterThan(0);
    expect(seen.at(0)).toBe(0);
    expect(seen.at(-1)).toBe(1);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  test('stopped in the middle, is whole too', async () => {
    const disk = new MemoryDisk();
    const store = await openStore(disk);
    await append(await openOrders(store), 50);
    const report = await verify(disk);
    expect(faults(report)).toEqual([]);
    expect(report.findings.map((item) => item.code)).toContain('unclean_stop');
    expect(report.records).toBe(150);
  });

  test('has no findings where records were deleted in the middle of a segment', async () => {
    const disk = new MemoryDisk();
    const store = await openStore(disk);
    const log = await openOrders(store);
    await append(log, 10);
    await log.deleteRecordsBefore(4);
    await append(log, 10);
    const beside = await verifyDirectory({ disk, catalogue, live: true, deep: false });
    expect(faults(beside)).toEqual([]);
    await store.close();
    const report = await verify(disk);
    expect(faults(report)).toEqual([]);
    expect(report.partitions).toMatchObject([{ startOffset: 4, endOffset: 60 }]);
  });

  test('has no findings where a later epoch began after the records that were deleted', async () => {
    const disk = new MemoryDisk();
    const store = await openStore(disk);
    const log = await openOrders(store);
    await append(log, 10);
    await log.deleteRecordsBefore(30);
    await store.close();
    const epochs = Buffer.from('0\n2\n0 0\n1 30\n');
    await writeFile(disk, 'orders-0/leader-epoch-checkpoint', epochs);
    await disk.makeDirectory('__cluster_metadata-0');
    await writeTopicId(disk, '__cluster_metadata-0', 'AAAAAAAAAAAAAAAAAAAAAQ');
    expect(faults(await verify(disk))).toEqual([]);
  });

  test('read while a broker writes, hides what is still moving', async () => {
    const disk = new MemoryDisk();
    const store = await openStore(disk);
    await append(await openOrders(store), 50);
    const [path] = (await logsOf(disk)).slice(-1) as [string];
    const bytes = await readFile(disk, path);
    await writeFile(disk, path, Buffer.concat([bytes, bytes.subarray(0, 100)]));
    const report = await verifyDirectory({ disk, catalogue, live: true, deep: false });
    expect(faults(report)).toEqual([]);
    expect(report.findings).toMatchObject([
      { severity: 'info', code: 'torn_tail', position: bytes.length, bytes: 100 },
    ]);
  });
});

test.each(['a cut of it is read', 'its cut came before it was measured'])(
  'a segment that a running broker deletes is no damage: %s',
  async (when) => {
    const measured = when.endsWith('measured');
    class CutDisk extends MemoryDisk {
      #cut = false;

      override async open(path: string, mode: 'read' | 'write' | 'create') {
        const file = await super.open(path, mode);
        if (path !== first || mode !== 'read') return file;
        if (measured) await this.#cutNow();
        const read = file.read.bind(file);
        file.read = async (into, position) => {
          await this.#cutNow();
          return read(into, position);
        };
        return file;
      }

      /** As retention and paced removal do. */
      async #cutNow(): Promise<void> {
        if (this.#cut) return;
        this.#cut = true;
        await this.rename(first, `${first}.deleted`);
        const gone = await this.open(`${first}.deleted`, 'write');
        await gone.truncate((await gone.size()) - 4000);
        await gone.close();
      }
    }
    let first = '';
    const disk = new CutDisk();
    await append(await openOrders(await openStore(disk)), 120);
    [first = ''] = await logsOf(disk);
    const report = await verifyDirectory({ disk, catalogue, live: true, deep: false });
    expect(await logsOf(disk)).not.toContain(first);
    expect(faults(report)).toEqual([]);
  },
);

describe('damage in a log', () => {
  test('a flipped byte loses exactly the offsets of its batch', async () => {
    const disk = await makeDirectory();
    const { path, batch } = await middle(disk);
    await flip(disk, path, batch.position + 100);
    const report = await verify(disk);
    const { position, bytes, baseOffset, lastOffset } = batch;
    const offsets = { first: baseOffset, last: lastOffset };
    expect(faults(report)[0]).toBe(`loss bad_batch ${baseOffset}-${lastOffset}`);
    const loss = bare(report).find((item) => item.code === 'bad_batch');
    expect(loss).toEqual({
      severity: 'loss',
      code: 'bad_batch',
      path,
      position,
      bytes,
      offsets,
      repair: {
        kind: 'set-aside-range',
        path,
        segmentBaseOffset: Number(path.slice(-24, -4)),
        position,
        bytes,
        offsets,
      },
    });
    expect(report.lostOffsets).toBe(3);
    expect(report.records).toBe(357);
  });

  test('a wrong length, magic or count is passed over to the next good batch', async () => {
    for (const field of [8, 16, 23, 57]) {
      const disk = await makeDirectory();
      const { path, batch } = await middle(disk);
      await flip(disk, path, batch.position + field, field === 16 ? 1 : 4);
      const range = `${batch.baseOffset}-${batch.lastOffset}`;
      expect(faults(await verify(disk)), `field at ${field}`).toContain(`loss bad_batch ${range}`);
    }
  });

  test('zeros over several batches are one stretch', async () => {
    const disk = await makeDirectory();
    const { path, batches } = await middle(disk);
    const [first, , last, next] = batches.slice(3, 7);
    if (first === undefined || last === undefined || next === undefined) throw new Error('few');
    const bytes = await readFile(disk, path);
    bytes.fill(0, first.position, next.position);
    await writeFile(disk, path, bytes);
    const report = await verify(disk);
    const bad = report.findings.filter((item) => item.code === 'bad_batch');
    expect(bad).toMatchObject([
      {
        position: first.position,
        bytes: next.position - first.position,
        offsets: { first: first.baseOffset, last: last.lastOffset },
      },
    ]);
    expect(bad[0]?.what).toContain('zeros');
  });

  test('a base offset that falls or jumps is seen, though no checksum covers it', async () => {
    const low = await makeDirectory();
    const falls = await middle(low);
    const bytes = await readFile(low, falls.path);
    bytes.writeBigInt64BE(BigInt(falls.batch.baseOffset - 7), falls.batch.position);
    await writeFile(low, falls.path, bytes);
    const range = `${falls.batch.baseOffset}-${falls.batch.lastOffset}`;
    expect(faults(await verify(low))).toContain(`loss bad_batch ${range}`);

    const high = await makeDirectory();
    const jumps = await middle(high);
    const other = await readFile(high, jumps.path);
    other.writeBigInt64BE(BigInt(jumps.batch.baseOffset + 2), jumps.batch.position);
    await writeFile(high, jumps.path, other);
    expect(faults(await verify(high))).toContain(`loss bad_batch ${range}`);
  });

  test('a cut segment in the middle of the log loses its end', async () => {
    const disk = await makeDirectory();
    const { path, batch, batches } = await middle(disk);
    const bytes = await readFile(disk, path);
    await writeFile(disk, path, bytes.subarray(0, batch.position + 10));
    const last = batches.at(-1)?.lastOffset;
    expect(faults(await verify(disk))).toContain(`loss bad_batch ${batch.baseOffset}-${last}`);

    await writeFile(disk, path, bytes.subarray(0, batch.position));
    const between = `loss offsets_missing ${batch.baseOffset}-${last}`;
    expect(faults(await verify(disk))).toContain(between);
  });

  test('a log that ends before its mark says what is lost', async () => {
    const disk = await makeDirectory();
    const path = (await logsOf(disk)).at(-1) as string;
    const bytes = await readFile(disk, path);
    const last = batchesOf(bytes).at(-1);
    if (last === undefined) throw new Error('empty');
    await writeFile(disk, path, bytes.subarray(0, last.position));
    expect(faults(await verify(disk))).toContain(`loss below_mark_missing ${last.baseOffset}-359`);
    await writeFile(disk, path, bytes.subarray(0, bytes.length - 1));
    expect(faults(await verify(disk))).toContain(`loss bad_batch ${last.baseOffset}-359`);
  });

  test('bytes after the mark are what a crash leaves, not a loss', async () => {
    const disk = await makeDirectory();
    await disk.remove('clean-shutdown');
    const path = (await logsOf(disk)).at(-1) as string;
    const bytes = await readFile(disk, path);
    await writeFile(disk, path, Buffer.concat([bytes, bytes.subarray(0, 77)]));
    const report = await verify(disk);
    expect(report.ok).toBe(true);
    const tail = report.findings.find((item) => item.code === 'torn_tail');
    expect(tail).toMatchObject({ severity: 'warning', position: bytes.length, bytes: 77 });
  });

  test('gaps are normal in a compacted log only', async () => {
    const disk = await makeDirectory();
    const { path, batch } = await middle(disk);
    const bytes = await readFile(disk, path);
    const end = batch.position + batch.bytes;
    const without = Buffer.concat([bytes.subarray(0, batch.position), bytes.subarray(end)]);
    await writeFile(disk, path, without);
    for (const suffix of ['.index', '.timeindex']) await disk.remove(path.slice(0, -4) + suffix);
    const missing = `loss offsets_missing ${batch.baseOffset}-${batch.lastOffset}`;
    expect(faults(await verify(disk))).toContain(missing);
    const topics = catalogue.topics.map((topic) => ({ ...topic, compacted: true }));
    const options = { disk, catalogue: { topics, damage: [] }, live: false, deep: false };
    expect(faults(await verifyDirectory(options))).not.toContain(missing);
  });

  test('a missing segment of a compacted log is a loss where compaction has noted what it left', async () => {
    const disk = await makeDirectory();
    const { path, batches } = await middle(disk);
    const topics = catalogue.topics.map((topic) => ({ ...topic, compacted: true }));
    const options = { disk, catalogue: { topics, damage: [] }, live: false, deep: false };
    await noteCleaned(disk, 'orders-0', []);
    expect((await verifyDirectory(options)).ok).toBe(true);
    await disk.remove(path);
    const lost = `loss offsets_missing ${batches[0]?.baseOffset}-${batches.at(-1)?.lastOffset}`;
    expect(faults(await verifyDirectory(options))).toContain(lost);
    // Compaction left nothing of it.
    const base = batches[0]?.baseOffset ?? -1;
    await noteCleaned(disk, 'orders-0', [{ baseOffset: base, bytes: -1, replaces: [base] }]);
    expect(faults(await verifyDirectory(options))).not.toContain(lost);
  });

  test('a missing segment and a missing directory are losses', async () => {
    const disk = await makeDirectory();
    const { path, batches } = await middle(disk);
    await disk.remove(path);
    const last = batches.at(-1)?.lastOffset;
    const lost = `loss offsets_missing ${batches[0]?.baseOffset}-${last}`;
    expect(faults(await verify(disk))).toContain(lost);
    await disk.removeDirectory('orders-0');
    expect(faults(await verify(disk))).toEqual(['loss partition_missing 0-359']);
  });

  test('deep reading finds records that a good checksum hides', async () => {
    const disk = await makeDirectory();
    const { path, batch } = await middle(disk);
    const bytes = await readFile(disk, path);
    // A first record whose stated length does not fit, under a checksum that is right.
    bytes[batch.position + 61] = 0x7f;
    const { rewriteBatchCrc } = await import('../../../src/record/index.ts');
    rewriteBatchCrc(bytes.subarray(batch.position, batch.position + batch.bytes));
    await writeFile(disk, path, bytes);
    expect((await verify(disk, false)).findings).toEqual([]);
    const deep = (await verify(disk, true)).findings;
    expect(deep).toMatchObject([{ severity: 'warning', code: 'bad_records' }]);
  });
});

describe('damage beside the log', () => {
  test('an index entry that points elsewhere', async () => {
    const disk = await makeDirectory();
    const { stem } = await middle(disk);
    await flip(disk, `${stem}.index`, 8 + 7);
    const report = await verify(disk);
    expect(new Set(faults(report).map((line) => line.split(' ')[1]))).toEqual(
      new Set(['index_wrong']),
    );
    expect(report.records).toBe(360);
  });

  test('an index entry with another offset', async () => {
    const disk = await makeDirectory();
    const { stem } = await middle(disk);
    const bytes = await readFile(disk, `${stem}.index`);
    bytes.writeInt32BE(bytes.readInt32BE(8) + 3, 8);
    await writeFile(disk, `${stem}.index`, bytes);
    expect(faults(await verify(disk))[0]).toContain('damage index_wrong');
  });

  test('index files cut, missing, emptied', async () => {
    const disk = await makeDirectory();
    const { stem } = await middle(disk);
    const bytes = await readFile(disk, `${stem}.timeindex`);
    await writeFile(disk, `${stem}.timeindex`, bytes.subarray(0, bytes.length - 5));
    await disk.remove(`${stem}.index`);
    const found = faults(await verify(disk));
    expect(found).toContain('damage index_missing');
    expect(found).toContain('damage time_index_wrong');
  });

  test('a time index that states another time', async () => {
    const disk = await makeDirectory();
    const { stem } = await middle(disk);
    const bytes = await readFile(disk, `${stem}.timeindex`);
    bytes.writeBigInt64BE(bytes.readBigInt64BE(12) + 1n, 12);
    await writeFile(disk, `${stem}.timeindex`, bytes);
    expect(faults(await verify(disk))[0]).toContain('damage time_index_wrong');
  });

  test('a leader epoch checkpoint that is gone, garbage, or wrong', async () => {
    const path = 'orders-0/leader-epoch-checkpoint';
    const disk = await makeDirectory();
    await writeFile(disk, path, Buffer.from('0\n1\n5 0\n'));
    expect(faults(await verify(disk))).toEqual(['damage epochs_wrong 0-0']);
    await writeFile(disk, path, Buffer.from('nonsense'));
    expect(faults(await verify(disk))).toEqual(['damage epochs_unreadable']);
    await disk.remove(path);
    expect(faults(await verify(disk))).toEqual(['damage epochs_unreadable']);
  });

  test('a snapshot that cannot be read, a topic id that is gone, files of nobody', async () => {
    const disk = await makeDirectory();
    await writeFile(disk, 'orders-0/00000000000000000100.snapshot', Buffer.from([0, 1, 9, 9, 9]));
    await writeFile(disk, 'orders-0/partition.metadata', Buffer.from('?'));
    await writeFile(disk, 'orders-0/00000000000000000050.log.cleaned', Buffer.alloc(9));
    await writeFile(disk, 'orders-0/notes.txt', Buffer.alloc(9));
    await writeFile(disk, 'marks.tmp', Buffer.alloc(9));
    const report = await verify(disk);
    expect(faults(report).sort()).toEqual([
      'damage metadata_unreadable',
      'damage snapshot_unreadable',
    ]);
    const infos = report.findings.filter((item) => item.severity === 'info');
    expect(infos.map(({ code, path }) => `${code} ${path}`).sort()).toEqual([
      'stale_file marks.tmp',
      'stale_file orders-0/00000000000000000050.log.cleaned',
      'unknown_file orders-0/notes.txt',
    ]);
  });

  test('damage of the catalogue is told, a torn tail is no fault', async () => {
    const disk = await makeDirectory();
    const torn = { path: 'catalogue/0000000001.log', position: 40, bytes: 9, tornTail: true };
    const { topics } = catalogue;
    const base = { disk, live: false, deep: false };
    const fine = await verifyDirectory({ ...base, catalogue: { topics, damage: [torn] } });
    expect(fine.ok).toBe(true);
    const bad = { ...torn, tornTail: false };
    const report = await verifyDirectory({ ...base, catalogue: { topics, damage: [bad] } });
    expect(faults(report)).toEqual(['damage catalogue_damaged']);
  });
});

describe('repair', () => {
  test('keeps the damaged bytes aside and leads to a clean verify and a log that reads on', async () => {
    const disk = await makeDirectory();
    const { path, batch, stem } = await middle(disk);
    const before = await readFile(disk, path);
    await flip(disk, path, batch.position + 70, 5);
    const damaged = await readFile(disk, path);
    await disk.remove(`${stem}.timeindex`);
    await writeFile(disk, 'orders-0/leader-epoch-checkpoint', Buffer.from('?'));
    await writeFile(disk, 'orders-0/00000000000000000100.snapshot', Buffer.from([0, 1, 9, 9, 9]));
    await writeFile(disk, 'orders-0/00000000000000000050.log.deleted', Buffer.alloc(9));
    await repair(disk, await verify(disk));

    const after = await verify(disk);
    expect(faults(after)).toEqual([]);
    expect(after.findings).toMatchObject([
      {
        severity: 'info',
        code: 'set_aside',
        offsets: { first: batch.baseOffset, last: batch.lastOffset },
      },
    ]);
    const kept = (await disk.list('quarantine/orders-0')).filter((name) => name.endsWith('.bin'));
    expect(kept).toHaveLength(1);
    const end = batch.position + batch.bytes;
    expect(await readFile(disk, `quarantine/orders-0/${kept[0]}`)).toEqual(
      damaged.subarray(batch.position, end),
    );
    expect((await readFile(disk, path)).length).toBe(before.length);

    const store = await openStore(disk);
    const log = await openOrders(store);
    const offsets: number[] = [];
    for await (const bytes of log.batches(0)) {
      for (const { baseOffset } of batchesOf(bytes)) offsets.push(baseOffset);
    }
    const all = Array.from({ length: 120 }, (_, index) => index * 3);
    expect(offsets).toEqual(all.filter((offset) => offset !== batch.baseOffset));
    await append(log, 1);
    expect(log.highWatermark).toBe(363);
    await store.close();
    expect(faults(await verify(disk))).toEqual([]);
  });

  test('indexes made anew are those that the storage wrote', async () => {
    const disk = await makeDirectory();
    const { stem } = await middle(disk);
    const index = await readFile(disk, `${stem}.index`);
    const times = await readFile(disk, `${stem}.timeindex`);
    await writeFile(disk, `${stem}.index`, Buffer.from('garbage!'));
    await disk.remove(`${stem}.timeindex`);
    await repair(disk, await verify(disk));
    expect(await readFile(disk, `${stem}.index`)).toEqual(index);
    expect(await readFile(disk, `${stem}.timeindex`)).toEqual(times);
  });

  test('every kind of damage, one after the other, is clean after a repair', async () => {
    const kinds: [string, (disk: MemoryDisk) => Promise<void>][] = [
      [
        'cut segment',
        async (disk) => {
          const { path, batch } = await middle(disk);
          const bytes = await readFile(disk, path);
          await writeFile(disk, path, bytes.subarray(0, batch.position + 10));
        },
      ],
      [
        'segment cut between batches',
        async (disk) => {
          const { path, batch } = await middle(disk);
          const bytes = await readFile(disk, path);
          await writeFile(disk, path, bytes.subarray(0, batch.position));
        },
      ],
      [
        'cut log',
        async (disk) => {
          const path = (await logsOf(disk)).at(-1) as string;
          const bytes = await readFile(disk, path);
          await writeFile(disk, path, bytes.subarray(0, bytes.length - 1));
        },
      ],
      ['missing segment', async (disk) => disk.remove((await middle(disk)).path)],
      [
        'zeroed segment',
        async (disk) => {
          const { path } = await middle(disk);
          await writeFile(disk, path, Buffer.alloc((await readFile(disk, path)).length));
        },
      ],
      [
        'garbage between batches',
        async (disk) => {
          const { path, batch } = await middle(disk);
          const bytes = await readFile(disk, path);
          const head = bytes.subarray(0, batch.position);
          const garbage = Buffer.from('rubbish');
          await writeFile(
            disk,
            path,
            Buffer.concat([head, garbage, bytes.subarray(batch.position)]),
          );
        },
      ],
    ];
    for (const [name, harm] of kinds) {
      const disk = await makeDirectory();
      await harm(disk);
      const report = await verify(disk);
      expect(report.ok, name).toBe(false);
      await repair(disk, report);
      expect(faults(await verify(disk)), name).toEqual([]);
      const store = await openStore(disk);
      const log = await openOrders(store);
      expect(log.endOffset, name).toBeGreaterThanOrEqual(360);
      await store.close();
      expect(faults(await verify(disk)), `${name}, after a start`).toEqual([]);
    }
  });
});
