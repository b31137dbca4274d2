// A user's data directory is damaged; verify says what is lost, repairs on request, and the broker serves the rest.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedBroker, scratch, serve, tidemark } from './support.ts';

const place = scratch();
const data = join(place.path, 'data');
const lines = Array.from({ length: 3000 }, (_, index) => `line ${index} ${'of text '.repeat(150)}`);
let broker: ServedBroker;

beforeAll(async () => {
  // Small segments and batches, so that there are several of each.
  broker = await serve(['--data', data, '--set', 'log.segment.bytes=1048576']);
  await broker.run(['topic', 'create', 'orders', '-p', '1']);
  for (let from = 0; from < lines.length; from += 500) {
    const input = `${lines.slice(from, from + 500).join('\n')}\n`;
    const sent = await broker.run(['produce', 'orders', '-q', '-X', 'batch.size=50000'], { input });
    if (sent.code !== 0) throw new Error(sent.stderr);
  }
}, 120_000);

afterAll(async () => {
  await broker.stop();
  place.remove();
});

function files(suffix: string): string[] {
  const directory = join(data, 'orders-0');
  const names = readdirSync(directory).filter((name) => name.endsWith(suffix));
  return names.sort().map((name) => join(directory, name));
}

interface Verified {
  readonly ok: boolean;
  readonly live: boolean;
  readonly records: number;
  readonly lostOffsets: number;
  readonly findings: readonly { code: string; severity: string; offsets: object | null }[];
  readonly repair: { readonly done: boolean; readonly steps: readonly { kind: string }[] };
}

async function verify(...args: string[]): Promise<Verified & { code: number | null }> {
  const { code, stdout, stderr } = await tidemark(['verify', data, '--json', ...args]);
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as Verified), code };
}

describe.sequential('a damaged data directory', () => {
  test('is whole while the broker runs, from both sides', async () => {
    const beside = await verify('--deep');
    expect(beside).toMatchObject({ code: 0, ok: true, live: true, records: 3000 });
    const through = await tidemark(['verify', '-b', broker.bootstrap, 'orders', '--json']);
    expect(JSON.parse(through.stdout)).toMatchObject({ ok: true, records: 3000, lostOffsets: 0 });
    expect(through.code).toBe(0);
    const refused = await tidemark(['verify', data, '--repair']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('in use');
  });

  test('is whole after a stop', async () => {
    expect((await broker.stop()).code).toBe(0);
    const { stdout, code } = await tidemark(['verify', data]);
    expect(code).toBe(0);
    expect(stdout).toContain('3,000 records');
    expect(stdout).toContain('everything is whole');
  });

  test('names what is lost and what it would do, and does nothing unasked', async () => {
    expect(files('.log').length).toBeGreaterThan(2);
    const log = files('.log')[1] ?? '';
    const bytes = readFileSync(log);
    bytes.fill(0x55, 200, 220);
    writeFileSync(log, bytes);
    const before = readdirSync(data).sort();
    const found = await verify();
    expect(found).toMatchObject({ code: 1, ok: false, repair: { done: false } });
    const loss = found.findings.filter((item) => item.severity === 'loss');
    expect(loss).toMatchObject([{ code: 'bad_batch' }]);
    expect(found.repair.steps[0]?.kind).toBe('set-aside-range');
    const { stdout } = await tidemark(['verify', data, 'orders']);
    expect(stdout).toContain('with --repair, verify would');
    expect(readdirSync(data).sort()).toEqual(before);
    expect(readFileSync(log)).toEqual(bytes);
  });

  test('repaired, is clean, keeps the bad bytes, and the broker serves the rest', async () => {
    const { lostOffsets } = await verify();
    expect(lostOffsets).toBeGreaterThan(0);
    const repaired = await verify('--repair');
    expect(repaired).toMatchObject({ code: 0, ok: true, repair: { done: true } });
    expect(readdirSync(join(data, 'quarantine/orders-0')).some((n) => n.endsWith('.bin'))).toBe(
      true,
    );
    expect(await verify()).toMatchObject({ code: 0, ok: true });

    broker = await serve(['--data', data]);
    const read = await broker.run(['consume', 'orders', '-o', 'earliest', '-e']);
    const values = read.stdout.split('\n').filter((line) => line !== '');
    expect(values).toHaveLength(3000 - lostOffsets);
    expect(lines.filter((line) => values.includes(line))).toHaveLength(values.length);
    const through = await tidemark(['verify', '-b', broker.bootstrap, 'orders', '--json']);
    expect(through.code).toBe(1);
    expect(JSON.parse(through.stdout)).toMatchObject({ ok: false, lostOffsets });
    expect((await broker.stop()).code).toBe(0);
    expect(await verify('--deep')).toMatchObject({ code: 0, ok: true });
  });

  test('dump shows batches and records of its files', async () => {
    const [log = ''] = files('.log');
    const { stdout, code } = await tidemark(['dump', '--json', '--records', '--limit', '3', log]);
    expect(code).toBe(0);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; value?: string });
    expect(entries.map(({ kind }) => kind)).toEqual(['batch', 'record', 'record', 'record']);
    expect(entries.slice(1).map(({ value }) => value)).toEqual(lines.slice(0, 3));
    const damaged = await tidemark(['dump', files('.log')[1] ?? '']);
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toContain('damage at byte');
    const index = await tidemark(['dump', files('.index')[0] ?? '']);
    expect(index.stdout).toMatch(/^offset \d+ {2}position \d+$/m);
    const marks = await tidemark(['dump', join(data, 'marks')]);
    expect([marks.code, marks.stdout]).toEqual([0, expect.stringContaining('orders')]);
    const other = join(place.path, 'notes');
    writeFileSync(other, 'no log');
    const nothing = await tidemark(['dump', other]);
    expect(nothing.code).toBe(2);
  });

  test('a target that is not there, or none', async () => {
    expect((await tidemark(['verify', join(place.path, 'none')])).code).toBe(3);
    expect((await tidemark(['verify'])).code).toBe(2);
    expect((await tidemark(['verify', data, 'no-such-topic'])).code).toBe(3);
  });
});
