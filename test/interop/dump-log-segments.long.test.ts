// Kafka's own tool reads our segment and index files, after a load in every codec with many rolls, and finds nothing
// wrong. That it would complain is shown on damaged copies first.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { startBroker, testTarget } from '../../bench/peers/index.ts';
import {
  damagedCopy,
  damages,
  dumpDeep,
  dumpIndexSanity,
  segmentFiles,
} from '../support/peers/dump-log-segments.ts';
import { kafkajsClient } from '../support/peers/kafkajs.ts';
import { kcatClient } from '../support/peers/kcat.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import { createTopic, PARTITIONS, send } from '../support/peers/round-trip.ts';

const COUNT = 60_000;
const topics = ['rolled', 'rolled-explicit-times'] as const;

describe("Kafka's DumpLogSegments reads our files", () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-dump-'));
  let folders: string[] = [];

  beforeAll(async () => {
    if (missing('broker') !== undefined || missing('kcat') !== undefined) return;
    const broker = await startBroker({ kind: testTarget(), directory });
    const { bootstrap } = broker;
    const config = { 'segment.bytes': String(1024 * 1024), 'index.interval.bytes': '4096' };
    for (const topic of topics) await createTopic(bootstrap, topic, config);
    const plan = { bootstrap, count: COUNT, recordBytes: 500 };
    const both = [
      { producer: kcatClient, topic: topics[0], codecs: kcatClient.codecs },
      { producer: kafkajsClient, topic: topics[1], codecs: kafkajsClient.codecs },
    ];
    for (const part of both) await send({ ...plan, ...part });
    await broker.stopKeepingData();
    folders = topics.flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, index) =>
        join(broker.logDirectory, `${topic}-${index}`),
      ),
    );
  });

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [name, damage] of Object.entries(damages)) {
    testWith(
      'broker',
      'java',
      'kcat',
    )(`it complains of ${name}`, async () => {
      const copy = join(directory, 'damaged', 'rolled-0');
      damagedCopy(folders[0]!, copy, damage);
      try {
        const reports = [await dumpDeep([copy]), await dumpIndexSanity([copy])];
        expect(reports.flatMap((report) => report.complaints)).not.toEqual([]);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    });
  }

  testWith(
    'broker',
    'java',
    'kcat',
  )('it finds nothing wrong, record by record', async () => {
    const report = await dumpDeep(folders);
    expect(report.complaints).toEqual([]);
    expect(report.records).toBe(topics.length * COUNT);
    expect(report.codecs).toEqual(['gzip', 'lz4', 'none', 'snappy', 'zstd']);
    // Several rolls in every partition, and indexes that hold something to check.
    for (const folder of folders) expect(segmentFiles(folder, '.log').length).toBeGreaterThan(2);
    // The tool rounds an index's size down to whole entries, so that is looked at here.
    for (const folder of folders) {
      for (const path of segmentFiles(folder, '.index')) expect(statSync(path).size % 8).toBe(0);
      for (const path of segmentFiles(folder, '.timeindex'))
        expect(statSync(path).size % 12).toBe(0);
    }
    expect(report.offsetIndexEntries).toBeGreaterThan(folders.length * 10);
    expect(report.timeIndexEntries).toBeGreaterThan(folders.length * 3);
  });

  testWith(
    'broker',
    'java',
    'kcat',
  )('its index check passes every index', async () => {
    expect((await dumpIndexSanity(folders)).complaints).toEqual([]);
  });
});
