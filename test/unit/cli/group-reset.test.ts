// `group reset` against a broker of this process: offsets that are saved, with members at work too, and restored.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ResetOptions, resetGroups } from '../../../src/cli/group/reset.ts';
import { connect } from '../../../src/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { eventually } from '../../support/eventually.ts';

let broker: TestBroker;
let directory: string;
let printed = '';
let said = '';

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'group-reset-'));
  broker = await startBroker({ topics: { orders: 1 } });
  await broker.produce('orders', [{ value: 'one' }, { value: 'two' }]);
  [printed, said] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await broker.close();
  rmSync(directory, { recursive: true });
});

function reset(groups: readonly string[], options: ResetOptions): Promise<void> {
  printed = '';
  return resetGroups(groups, { brokers: broker.bootstrap, ...options });
}

function fileOf(text: string): string {
  const path = join(directory, 'offsets.csv');
  writeFileSync(path, text);
  return path;
}

const current: ResetOptions = { allTopics: true, toCurrent: true, export: true };

test('all groups of a file are restored into a broker that knows none of them', async () => {
  const saved = 'audit,orders,0,2\nbilling,orders,0,1\n';
  await reset([], { allGroups: true, fromFile: fileOf(saved), execute: true });
  await reset([], { allGroups: true, ...current });
  expect(printed).toBe(saved);
});

test('a file that does not have the groups that are meant is refused', async () => {
  const fromFile = fileOf('orders,0,1\n');
  const all = reset([], { allGroups: true, fromFile, execute: true });
  await expect(all).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/offsets\.csv does not say of which groups it is/),
  });
  const none = reset([], { allGroups: true, fromFile: fileOf('\n'), execute: true });
  await expect(none).rejects.toMatchObject({ exitCode: 2 });
  const other = reset(['billing'], { fromFile: fileOf('audit,orders,0,2\n'), execute: true });
  await expect(other).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/offsets\.csv has no offsets of group 'billing'/),
  });
});

test('the offsets of a group with live members are exported, and moved by nobody', async () => {
  await reset(['billing'], { topic: ['orders'], toOffset: '1', execute: true });
  const client = await connect(broker.bootstrap);
  const consumer = client.consumer({ group: 'billing', topics: ['orders'] });
  const reading = (async () => {
    for await (const { value } of consumer) if (value === null) break;
  })();
  await eventually(async () => {
    await reset(['billing'], current);
    expect(said).toMatch(/group billing has 1 live member: its offsets move on/);
  });
  expect(printed).toMatch(/^orders,0,[12]\n$/);
  await expect(reset(['billing'], { ...current, execute: true })).rejects.toMatchObject({
    exitCode: 5,
  });
  await consumer.close();
  await reading;
  await client.close();
});

test('what is no time is told by the option that takes one', async () => {
  const options = { topic: ['orders'], toDatetime: 'yesterday' };
  await expect(reset(['billing'], options)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^--to-datetime yesterday: this is no time; write/),
  });
});
