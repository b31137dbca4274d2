// The files that only we have, as `tidemark dump` shows them: of a real data directory, and damaged.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCatalogueFile } from '../../../src/cli/inspect/facts.ts';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { type DumpEntry, dumpFile, UnknownFileError } from '../../../src/inspect/index.ts';
import { startBroker } from '../../../src/testing/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'tidemark-dump-own-'));
const data = join(directory, 'data');
const disk = new NodeDisk('/');

beforeAll(async () => {
  const broker = await startBroker({ dir: data, topics: { orders: 2 } });
  await broker.produce('orders', [
    { value: 'a', partition: 1 },
    { value: 'b', partition: 1 },
  ]);
  await broker.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function dumped(path: string): Promise<DumpEntry[]> {
  const entries: DumpEntry[] = [];
  const options = { disk, path, records: true, readCatalogue: readCatalogueFile };
  for await (const entry of dumpFile(options)) entries.push(entry);
  return entries;
}

function flipped(path: string, name: string): string {
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length / 3)]! ^= 1;
  const to = path.replace(/[^/]+$/, name);
  writeFileSync(to, bytes);
  return to;
}

test('marks', async () => {
  const marks = await dumped(join(data, 'marks'));
  expect(marks).toContainEqual(
    expect.objectContaining({ kind: 'mark', name: 'orders-1', mark: 2, clean: true }),
  );
  const bad = await dumped(flipped(join(data, 'marks'), 'marks.damaged'));
  expect(bad.at(-1)).toMatchObject({
    kind: 'damage',
    what: 'among the marks are bytes that are none',
  });
});

describe('the catalogue', () => {
  test.each(['snapshot', 'log'])('%s', async (ending) => {
    const path = join(data, `catalogue/0000000001.${ending}`);
    const entries = await dumped(path);
    const kinds = new Set(entries.map((one) => one.kind));
    expect(kinds).toEqual(new Set(['catalogue-record']));
    if (ending === 'log') expect(JSON.stringify(entries)).toContain('"orders"');
    const bad = await dumped(flipped(path, `0000000002.${ending}.damaged`));
    expect(bad.map((one) => one.kind)).toContain('damage');
  });
});

test('a journal', async () => {
  const { encodeEntry, ENTRY_KIND, journalHeader } = await import(
    '../../../src/storage/commit/journal-format.ts'
  );
  const { crc32c } = await import('../../../src/base/crc32c.ts');
  const salt = Buffer.from('12345678');
  const part = Buffer.from('batches');
  const place = { segmentBase: 7, position: 100, parts: [part], bytes: part.length };
  const none = { segmentBase: 0, position: 0, parts: [], bytes: 0 };
  const seed = crc32c(salt);
  const path = join(directory, '0000000001.journal');
  const entries = [
    journalHeader(salt),
    encodeEntry(seed, ENTRY_KIND.batches, 'id orders-0', place),
    part,
    encodeEntry(seed, ENTRY_KIND.forget, 'id orders-0', none),
  ];
  writeFileSync(path, Buffer.concat([...entries, Buffer.alloc(100)]));
  const log = { log: 'orders-0', topicId: 'id' };
  expect(await dumped(path)).toEqual([
    { kind: 'journal-batches', ...log, segmentBase: 7, position: 100, bytes: 7 },
    { kind: 'journal-forget', ...log },
  ]);
});

test('text is told to be text', () => {
  const path = join(data, 'orders-0/partition.metadata');
  const dump = () => dumpFile({ disk, path, records: false });
  expect(dump).toThrow(UnknownFileError);
  expect(dump).toThrow('it is text');
});
