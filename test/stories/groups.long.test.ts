// A group's offsets looked at, moved and deleted, through the built command line.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedBroker, scratch, serve } from './support.ts';

const directory = scratch();
let broker: ServedBroker;

beforeAll(async () => {
  broker = await serve(['--memory']);
  // The records are of 2023: by default retention takes them while slow machines still look at them.
  await broker.run(['topic', 'create', 'orders', '-p', '2', '-c', 'retention.ms=-1']);
  const input = Array.from({ length: 20 }, (_, n) =>
    JSON.stringify({ value: `r${n}`, partition: n % 2, timestamp: 1_700_000_000_000 + n * 60_000 }),
  ).join('\n');
  await broker.run(['produce', 'orders', '--ndjson'], { input });
  await broker.run(['consume', 'orders', '-e', '-g', 'billing', '-q']);
});
afterAll(async () => {
  await broker.stop();
  directory.remove();
});

const document = (text: string) => JSON.parse(text);

async function committed(group = 'billing'): Promise<number[]> {
  const { stdout } = await broker.run(['group', 'describe', group, '--json']);
  return document(stdout).partitions.map((one: { committed: number }) => one.committed);
}

describe('group', () => {
  test('list, with filters', async () => {
    const groups = document((await broker.run(['group', 'list', '--json'])).stdout);
    expect(groups).toMatchObject([{ id: 'billing', state: 'Empty' }]);
    const none = await broker.run(['group', 'list', '--state', 'stable']);
    expect([none.stdout, none.stderr]).toEqual(['', 'no group is like that (of 1)\n']);
  });

  test('reset shows before and after, and changes nothing without --execute', async () => {
    const shown = await broker.run([
      'group',
      'reset',
      'billing',
      '--all-topics',
      '--shift-by',
      '-4',
    ]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/orders +0 +10 +6 +-4/);
    expect(shown.stderr).toContain('nothing was changed: add --execute');
    expect(await committed()).toEqual([10, 10]);
  });

  test.each([
    [
      ['--all-topics', '--to-earliest'],
      [0, 0],
    ],
    [
      ['--all-topics', '--to-latest'],
      [10, 10],
    ],
    [
      ['--topic', 'orders:1', '--to-offset', '3'],
      [10, 3],
    ],
    [
      ['--topic', 'orders', '--to-datetime', '2023-11-14T22:18:20Z'],
      [3, 2],
    ],
    [
      ['--topic', 'orders:0', '--to', '-2'],
      [8, 2],
    ],
    [
      ['--all-topics', '--shift-by', '1'],
      [9, 3],
    ],
    [
      ['--all-topics', '--shift-by', '-1000'],
      [0, 0],
    ],
    [
      ['--topic', 'orders', '--by-duration', 'P1D'],
      [10, 10],
    ],
    [
      ['--all-topics', '--to-current'],
      [10, 10],
    ],
  ])('reset %j moves to %j', async (flags, offsets) => {
    const done = await broker.run(['group', 'reset', 'billing', ...flags, '--execute', '--json']);
    expect(done.code).toBe(0);
    expect(document(done.stdout)).toMatchObject({ group: 'billing', executed: true });
    expect(await committed()).toEqual(offsets);
  });

  test('offsets go out to a file and come in again', async () => {
    await broker.run([
      'group',
      'reset',
      'billing',
      '--topic',
      'orders',
      '--to-offset',
      '4',
      '--execute',
    ]);
    const kept = await broker.run([
      'group',
      'reset',
      'billing',
      '--all-topics',
      '--to-current',
      '--export',
    ]);
    expect(kept.stdout).toBe('orders,0,4\norders,1,4\n');
    const file = join(directory.path, 'offsets.csv');
    writeFileSync(file, kept.stdout);
    const missing = await broker.run(['group', 'reset', 'copy', '--from-file', `${file}.not`]);
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('cannot be read')]);
    await broker.run(['group', 'reset', 'copy', '--from-file', file, '--execute']);
    expect(await committed('copy')).toEqual([4, 4]);
  });

  test('lag, in records and in time', async () => {
    const found = document((await broker.run(['group', 'lag', 'billing', '--json'])).stdout);
    expect(found).toMatchObject({ id: 'billing', lag: 12 });
    // The first unread record is from 2023.
    expect(found.lagMs).toBeGreaterThan(365 * 86_400_000);
    const text = await broker.run(['group', 'lag', 'billing']);
    expect(text.stdout).toMatch(/orders +0 +4 +10 +6 +\d/);
    expect(text.stderr).toContain('12 records behind');
  });

  test('with live members: who they are, and no reset or delete', async () => {
    const kafka = new Kafka({
      clientId: 'worker-7',
      brokers: [broker.bootstrap],
      logLevel: logLevel.NOTHING,
    });
    const consumer = kafka.consumer({ groupId: 'live', maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'] });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: async () => {} });
    await joined;
    const members = await broker.run(['group', 'members', 'live']);
    expect(members.stdout).toMatch(/worker-7 .* 2 +orders\/0 orders\/1/);
    for (const verb of [
      ['group', 'reset', 'live', '--topic', 'orders', '--to-earliest', '--execute'],
      ['group', 'delete', 'live', '--yes'],
    ]) {
      const refused = await broker.run(verb);
      expect([refused.code, refused.stdout]).toEqual([5, '']);
      expect(refused.stderr).toMatch(/has 1 live member,[\s\S]*worker-7[\s\S]*stop them first/);
    }
    // One more member gets along with it, and leaves it alone again.
    const shared = await broker.run(['consume', 'orders', '-g', 'live', '-e', '-q']);
    expect([shared.code, shared.stdout.split('\n').length]).toEqual([0, 11]);
    await consumer.disconnect();
  }, 30_000);

  test('delete: asks, forgets the offsets of a topic, then the group', async () => {
    const asked = await broker.run(['group', 'delete', 'copy']);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    const dry = await broker.run(['group', 'delete', 'copy', '--dry-run']);
    expect(dry.stderr).toBe('would delete group copy with its 2 committed offsets\n');
    await broker.run(['group', 'delete', 'billing', '--topic', 'orders', '--yes']);
    expect((await broker.run(['group', 'delete', 'copy', '--yes'])).code).toBe(0);
    const gone = await broker.run(['group', 'delete', 'copy', '--yes']);
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('copy not found')]);
  });

  test.each([
    [['reset', 'billing', '--topic', 'orders'], 2, /say where to/],
    [['reset', 'billing', '--to-latest'], 2, /say which topics/],
    [['reset', 'billing', '--topic', 'orders:9', '--to-latest'], 2, /partitions 0 to 1/],
    [['reset', 'billing', '--topic', 'absent', '--to-latest'], 3, /absent/],
    [['reset', 'billing', '--topic', 'orders', '--to-latest', '--to-earliest'], 2, /in one way/],
    [['reset', 'billing', '--topic', 'orders', '--shift-by', 'x'], 2, /whole number/],
    [['reset', 'billing', '--topic', 'orders', '--by-duration', 'P'], 2, /P1DT2H/],
    [['describe', 'nobody'], 3, /nobody/],
  ])('group %j ends with %i', async (args, code, words) => {
    const ended = await broker.run(['group', ...args]);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
  });
});
