// Real clients whose application does not poll in time: what the timeline of their group says, for each way in which a
// client notices it. The application stands still because nobody reads what the console consumer prints.

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { javaArguments, type PeerBroker, startBroker } from '../../bench/peers/index.ts';
import type { TimelineEntry } from '../../src/coordinator/index.ts';
import { tidemark } from '../stories/support.ts';
import { testWith } from '../support/peers/require-tool.ts';

const POLL_MS = 7000;
const RECORDS = 3000;
let broker: PeerBroker;
const children: ChildProcess[] = [];

const run = (args: readonly string[], input = '') =>
  tidemark(args, { input, env: { TIDEMARK_BROKERS: broker.bootstrap } });

beforeAll(async () => {
  broker = await startBroker({ kind: 'tidemark' });
  await run(['topic', 'create', 'big', '-p', '1']);
  // More than pipes and buffers between the two processes hold.
  const line = `${'x'.repeat(1000)}\n`;
  await run(['produce', 'big'], line.repeat(RECORDS));
}, 120_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await broker.stop();
}, 60_000);

async function entries(group: string): Promise<TimelineEntry[]> {
  const { stdout } = await run(['group', 'timeline', group, '--json']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).filter((entry) => entry.group === group);
}

async function waitFor(group: string, kind: string): Promise<TimelineEntry> {
  for (;;) {
    const found = (await entries(group)).find(({ event }) => event === kind);
    if (found !== undefined) return found;
    await sleep(500);
  }
}

/** A consumer that prints to nobody until its member is gone, and then is read on. */
async function stall(
  group: string,
  program: string,
  args: readonly string[],
): Promise<TimelineEntry[]> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  const left = await waitFor(group, 'member-left');
  await sleep(3000);
  child.stdout?.resume();
  const back = await waitFor(group, 'member-back');
  child.kill('SIGKILL');
  expect(back).toMatchObject({ member: { clientId: `slow-${group}` } });
  expect(back.awayMs).toBeGreaterThan(POLL_MS + 2500);
  expect(back.advice).toMatch(/^raise max\.poll\.interval\.ms above \d+ s, or take fewer records/);
  return [left, back];
}

function java(group: string, protocol: string): string[] {
  const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', 'big', '--group', group];
  const properties = [
    `group.protocol=${protocol}`,
    `client.id=slow-${group}`,
    `max.poll.interval.ms=${POLL_MS}`,
    'auto.offset.reset=earliest',
  ];
  for (const property of properties) args.push('--command-property', property);
  return [...javaArguments(main), ...args];
}

testWith('java', 'broker')(
  'Java, classic: the client says why it left',
  async () => {
    const [left, back] = await stall('classic', 'java', java('classic', 'classic'));
    expect(left?.cause).toBe(
      'slow-classic did not poll for longer than its max.poll.interval.ms (7.0 s), so its client left',
    );
    expect(back?.cause).toMatch(
      /^slow-classic spent \d+\.\d s between polls, \d+\.\d s more than its max/,
    );
  },
  180_000,
);

testWith('java', 'broker')(
  'Java, consumer protocol: it comes back under its id',
  async () => {
    const [, back] = await stall('modern', 'java', java('modern', 'consumer'));
    expect(back?.cause).toMatch(
      /probably spent \d+\.\d s between polls, \d+\.\d s more than its max/,
    );
  },
  180_000,
);

testWith('kcat', 'broker')(
  'kcat: it leaves without a word, and ends',
  async () => {
    const args = ['-b', broker.bootstrap, '-G', 'kcat', 'big', '-X', 'client.id=slow-kcat'];
    for (const property of [
      `max.poll.interval.ms=${POLL_MS}`,
      'session.timeout.ms=6000',
      'auto.offset.reset=earliest',
    ]) {
      args.push('-X', property);
    }
    const kcat = 'kcat';
    children.push(spawn(kcat, args, { stdio: ['ignore', 'pipe', 'ignore'] }));
    expect((await waitFor('kcat', 'member-left')).cause).toBe(
      'slow-kcat left by itself and said no more: clients do so when they are closed, some also when they are not ' +
        'polled for max.poll.interval.ms (7.0 s)',
    );
  },
  180_000,
);
