// Files written by Apache Kafka 4.3.1 (fixtures/kafka/orders-0: three segments, plain, gzip and lz4 batches, four
// transactions of which two were aborted), against what Kafka's own DumpLogSegments says of them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { type DumpEntry, dumpFile, verifyDirectory } from '../../../src/inspect/index.ts';
import { MemoryDisk } from '../../../src/storage/index.ts';
import { faults, flip, readFile, writeFile } from './directory.ts';

const fixtures = join(import.meta.dirname, 'fixtures/kafka');
const kafka = new NodeDisk(fixtures);

/** A copy in memory, to be damaged. */
async function copy(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory('orders-0');
  for (const name of await kafka.list('orders-0')) {
    await writeFile(disk, `orders-0/${name}`, await readFile(kafka, `orders-0/${name}`));
  }
  return disk;
}

function verify(disk: MemoryDisk | NodeDisk) {
  return verifyDirectory({ disk, catalogue: null, live: false, deep: true });
}

async function entries(path: string, records = false): Promise<DumpEntry[]> {
  const all: DumpEntry[] = [];
  for await (const entry of dumpFile({ disk: kafka, path, records })) all.push(entry);
  return all;
}

/** An entry as DumpLogSegments prints it. */
function kafkasWords(entry: DumpEntry): string {
  switch (entry.kind) {
    case 'batch': {
      const horizon =
        entry.deleteHorizonMs === null
          ? 'OptionalLong.empty'
          : `OptionalLong[${entry.deleteHorizonMs}]`;
      return (
        `baseOffset: ${entry.baseOffset} lastOffset: ${entry.lastOffset} count: ${entry.count} ` +
        `baseSequence: ${entry.baseSequence} lastSequence: ${entry.lastSequence} ` +
        `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
        `partitionLeaderEpoch: ${entry.partitionLeaderEpoch} ` +
        `isTransactional: ${entry.isTransactional} isControl: ${entry.isControl} ` +
        `deleteHorizonMs: ${horizon} position: ${entry.position} ` +
        `${entry.timestampType}: ${entry.maxTimestamp} size: ${entry.size} magic: 2 ` +
        `compresscodec: ${entry.compression} crc: ${entry.crc} isvalid: true`
      );
    }
    case 'offset-entry':
      return `offset: ${entry.offset} position: ${entry.position}`;
    case 'time-entry':
      return `timestamp: ${entry.timestamp} offset: ${entry.offset}`;
    case 'aborted-transaction':
      return (
        `version: ${entry.version} producerId: ${entry.producerId} ` +
        `firstOffset: ${entry.firstOffset} lastOffset: ${entry.lastOffset} ` +
        `lastStableOffset: ${entry.lastStableOffset}`
      );
    case 'producer':
      return (
        `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
        `coordinatorEpoch: ${entry.coordinatorEpoch} currentTxnFirstOffset: ` +
        (entry.transactionStartOffset < 0
          ? 'OptionalLong.empty'
          : `OptionalLong[${entry.transactionStartOffset}]`)
      );
    default:
      return JSON.stringify(entry);
  }
}

function recordInKafkasWords(entry: Extract<DumpEntry, { kind: 'record' }>): string {
  const { offset, timestamp, keySize, valueSize, sequence, headers, control, key, value } = entry;
  const start =
    `| offset: ${offset} CreateTime: ${timestamp} keySize: ${keySize} valueSize: ${valueSize} ` +
    `sequence: ${sequence} headerKeys: [${headers.map((one) => one.key).join(',')}]`;
  if (control === null) {
    const keyText = key === null ? '' : ` key: ${key.toString()}`;
    return `${start}${keyText} payload: ${value?.toString()}`;
  }
  const marker = `endTxnMarker: ${control.toUpperCase()}`;
  return `${start} ${marker} coordinatorEpoch: ${entry.coordinatorEpoch}`;
}

describe("a partition of Apache Kafka's", () => {
  test('is found whole', async () => {
    const report = await verify(kafka);
    expect(faults(report)).toEqual([]);
    expect(report.partitions).toMatchObject([
      { directory: 'orders-0', segments: 3, records: 65, startOffset: 0, endOffset: 65 },
    ]);
  });

  test('is dumped as DumpLogSegments dumps it', async () => {
    const text = readFileSync(join(fixtures, 'dump-log-segments.txt'), 'utf8');
    for (const section of text.split('Dumping ').slice(1)) {
      const [name, ...lines] = section.trim().split('\n');
      const wanted = lines
        .filter((line) => !line.startsWith('Log starting offset'))
        // Kafka prints five batches' facts of a producer, of which its file holds one.
        .map((line) => line.replace(/ lastTimestamp: .*/, ''))
        .map((line) => line.trim());
      const found = (await entries(`orders-0/${name}`)).map(kafkasWords);
      expect(found, name).toEqual(wanted);
      expect(found.length, name).toBeGreaterThan(0);
    }
  });

  test('its records are dumped as DumpLogSegments --print-data-log dumps them', async () => {
    const text = readFileSync(join(fixtures, 'dump-log-segments-records.txt'), 'utf8');
    const found: string[] = [];
    for (const base of ['00', '26', '44']) {
      for (const entry of await entries(`orders-0/000000000000000000${base}.log`, true)) {
        if (entry.kind === 'record') found.push(recordInKafkasWords(entry));
      }
    }
    expect(found).toEqual(text.trim().split('\n'));
  });

  test('its records come out of every codec, its markers named', async () => {
    const all = [];
    for (const base of ['00', '26', '44']) {
      all.push(...(await entries(`orders-0/000000000000000000${base}.log`, true)));
    }
    const records = all.filter((entry) => entry.kind === 'record');
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 65 }, (_, i) => i));
    const plain = records.filter(({ control }) => control === null);
    const json = plain.slice(0, -2).map(({ value }) => JSON.parse(String(value)) as object);
    expect(json[7]).toEqual({ number: 7, text: 'a small order of things' });
    expect(String(plain[7]?.key)).toBe('order-0');
    expect(plain[7]?.headers).toMatchObject([{ key: 'source' }]);
    expect(plain.slice(-2).map(({ value }) => String(value))).toEqual([
      'zstd line one',
      'zstd line two',
    ]);
    const markers = records.filter(({ control }) => control !== null);
    expect(markers.map(({ control }) => control)).toEqual(['commit', 'abort', 'commit', 'abort']);
    const epochs = await entries('orders-0/leader-epoch-checkpoint');
    expect(epochs).toEqual([{ kind: 'leader-epoch', epoch: 0, startOffset: 0 }]);
  });

  test('damage in each kind of file is found', async () => {
    const stem = 'orders-0/00000000000000000044';
    const cases: [string, string][] = [
      [`${stem}.log`, 'loss bad_batch 45-46'],
      [`${stem}.index`, 'damage index_wrong'],
      [`${stem}.timeindex`, 'damage time_index_wrong'],
      [`${stem}.txnindex`, 'damage transaction_index_wrong'],
      [`${stem}.snapshot`, 'damage snapshot_unreadable'],
    ];
    for (const [path, expected] of cases) {
      const disk = await copy();
      await flip(disk, path, path.endsWith('.log') ? 100 : 12);
      const found = faults(await verify(disk));
      expect(
        found.some((line) => line.startsWith(expected)),
        `${path}: ${found}`,
      ).toBe(true);
    }
  });

  test('a transaction index that lost its entries would show aborted records', async () => {
    const disk = await copy();
    const path = 'orders-0/00000000000000000044.txnindex';
    const before = await readFile(disk, path);
    await disk.remove(path);
    const report = await verify(disk);
    expect(faults(report)).toEqual([
      'damage transaction_index_wrong 45-48',
      'damage transaction_index_wrong 53-56',
    ]);
    const step = report.findings[0]?.repair;
    if (step?.kind !== 'write-transaction-index') throw new Error('no repair');
    const { planRepair, runStep } = await import('../../../src/inspect/index.ts');
    const { clock } = await import('./directory.ts');
    for (const one of planRepair(report.findings)) {
      await runStep({ disk, clock, intervalBytes: () => 4096 }, one);
    }
    expect(await readFile(disk, path)).toEqual(before);
  });

  test('space that Kafka preallocates is no damage', async () => {
    const disk = await copy();
    for (const suffix of ['.log', '.index', '.timeindex']) {
      const path = `orders-0/00000000000000000044${suffix}`;
      const bytes = await readFile(disk, path);
      await writeFile(disk, path, Buffer.concat([bytes, Buffer.alloc(4096)]));
    }
    const report = await verify(disk);
    expect(faults(report)).toEqual([]);
    expect(report.findings).toMatchObject([{ severity: 'info', code: 'torn_tail', bytes: 4096 }]);
  });
});

describe('a dump of damaged files', () => {
  test('goes on behind the damage and says where it was', async () => {
    const disk = await copy();
    const path = 'orders-0/00000000000000000000.log';
    await flip(disk, path, 400);
    const kinds: string[] = [];
    for await (const entry of dumpFile({ disk, path, records: false })) {
      kinds.push(entry.kind);
      if (entry.kind === 'damage') expect(entry).toMatchObject({ position: 286, bytes: 286 });
    }
    expect(kinds.slice(0, 4)).toEqual(['batch', 'damage', 'batch', 'batch']);
  });

  test('refuses a name that tells nothing', () => {
    expect(() => dumpFile({ disk: kafka, path: 'orders-0/notes.txt', records: false })).toThrow(
      'its name is none',
    );
  });
});
