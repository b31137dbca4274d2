// The disk under the temporary directory is tried, as a user would try his; and each way in which a disk can lie is
// shown to be noticed.

import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeDisk } from '../../src/host/node-disk.ts';
import { checkLogs } from '../../tools/torture/check.ts';
import { openLogs } from '../../tools/torture/log-set.ts';
import { makeBatch } from '../../tools/torture/records.ts';
import { scratch, start, tidemark } from './support.ts';

let place: ReturnType<typeof scratch>;

beforeEach(() => {
  place = scratch();
});

afterEach(() => place.remove());

describe('tidemark torture', () => {
  test('tries a disk in bounded space and cleans up', async () => {
    const args = [
      'torture',
      place.path,
      '--rounds',
      '6',
      '--seconds',
      '20',
      '--json',
      '--seed',
      '3',
    ];
    const { code, stdout, stderr } = await tidemark([...args, '--max-bytes', '64MiB']);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as {
      ok: boolean;
      seed: number;
      rounds: { kind: string; acknowledged: number; problems: string[] }[];
      syncs: { count: number; p50Us: number };
      notShown: string[];
    };
    expect(report).toMatchObject({ ok: true, seed: 3 });
    expect(code).toBe(0);
    expect(report.rounds.flatMap((round) => round.problems)).toEqual([]);
    expect(report.rounds.map((round) => round.kind).slice(0, 4)).toEqual([
      'kill',
      'full',
      'kill-at-start',
      'slow',
    ]);
    expect(report.rounds[1]?.acknowledged).toBeGreaterThan(0);
    expect(report.syncs.count).toBeGreaterThan(0);
    expect(report.notShown.join(' ')).toContain('power cut');
    expect(readdirSync(place.path)).toEqual([]);
  }, 120_000);

  test('refuses what it cannot do', async () => {
    expect((await tidemark(['torture', join(place.path, 'none')])).code).toBe(3);
    expect((await tidemark(['torture', place.path, '--max-bytes', '1KiB'])).code).toBe(2);
    expect((await tidemark(['torture', place.path, '--arm', '--check'])).code).toBe(2);
    expect((await tidemark(['torture', place.path, '--check'])).code).toBe(3);
    mkdirSync(join(place.path, 'tidemark-torture'));
    const again = await tidemark(['torture', place.path]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('an earlier run left');
  });

  test('armed and killed, finds all that was acknowledged; robbed of some, says so', async () => {
    const acks = join(place.path, 'acks');
    const child = start(['torture', place.path, '--arm', '--json', '--acks', acks]);
    let lines = 0;
    await new Promise<void>((done) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        lines += chunk.toString().split('\n').length - 1;
        if (lines >= 5) done();
      });
    });
    child.kill('SIGKILL');
    await once(child, 'close');
    const check = ['torture', place.path, '--check', '--json', '--keep', '--acks', acks];
    const whole = await tidemark(check);
    expect(JSON.parse(whole.stdout)).toMatchObject({ ok: true, problems: [] });
    expect(whole.code).toBe(0);

    // What a disk does that forgets syncs: what one log held is gone, and what was known of it too.
    const work = join(place.path, 'tidemark-torture-armed');
    for (const name of readdirSync(join(work, 'torture-0'))) {
      if (name.endsWith('.log')) truncateSync(join(work, 'torture-0', name), 0);
    }
    writeFileSync(join(work, 'marks'), '');
    const robbed = await tidemark(check);
    expect(robbed.code).toBe(1);
    expect(robbed.stdout).toContain('acknowledged up to');
    expect(existsSync(work)).toBe(true);
  }, 60_000);
});

describe('the check of torture', () => {
  /** A directory with two batches in partition 0, whose batches may be made wrong. */
  async function written(offsets: readonly number[]): Promise<string> {
    const path = join(place.path, 'logs');
    mkdirSync(path);
    const set = await openLogs(new NodeDisk(path), path);
    for (const offset of offsets) {
      await set.logs[0]?.append(makeBatch({ partition: 0, offset }, 5, 50)).committed;
    }
    await set.store.close();
    return path;
  }

  test('is content with records in their places', async () => {
    const result = await checkLogs(await written([0, 5, 10]), new Map([[0, 15]]));
    expect(result).toMatchObject({ problems: [], records: 15, unacknowledged: 0 });
  });

  test('misses what was acknowledged', async () => {
    const { problems } = await checkLogs(await written([0, 5]), new Map([[0, 15]]));
    expect(problems).toEqual(['partition 0 ends at offset 10, acknowledged up to 15']);
  });

  test('notices a batch that came twice, or in the wrong order', async () => {
    const { problems } = await checkLogs(await written([0, 0]), new Map([[0, 10]]));
    expect(problems).toHaveLength(5);
    expect(problems[0]).toBe('partition 0, offset 5: the record of partition 0, offset 0');
  });
});
