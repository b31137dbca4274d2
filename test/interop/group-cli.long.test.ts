// `tidemark group` beside Kafka's own tool, on our broker and on Apache Kafka: groups of both protocols are listed,
// described, measured, moved and deleted alike, and the two tools read each other's files of offsets.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  javaArguments,
  type PeerBroker,
  runJava,
  startBroker,
  waitUntil,
} from '../../bench/peers/index.ts';
import { type Finished, scratch, tidemark } from '../stories/support.ts';
import { testWith } from '../support/peers/require-tool.ts';

const TOOL = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
const test = testWith('java', 'broker');
const MINUTES = 300_000;

describe.each(['tidemark', 'kafka'] as const)('groups on %s', (kind) => {
  const directory = scratch();
  let broker: PeerBroker;
  const consumers: ChildProcess[] = [];

  const run = (args: string, input = ''): Promise<Finished> =>
    tidemark(args.split(' '), { input, env: { TIDEMARK_BROKERS: broker.bootstrap } });
  const json = async (args: string) => JSON.parse((await run(`${args} --json`)).stdout);
  const kafkaTool = (args: string) =>
    runJava(TOOL, ['--bootstrap-server', broker.bootstrap, ...args.split(' ')]);
  const offsets = async (group: string): Promise<number[]> =>
    (await json(`group describe ${group}`)).partitions.map(
      (one: { committed: number }) => one.committed,
    );

  function consume(group: string, protocol: string): void {
    const args = ['--bootstrap-server', broker.bootstrap, '--topic', 'orders', '--group', group];
    const properties = [
      `group.protocol=${protocol}`,
      `client.id=till-${protocol}`,
      'auto.offset.reset=earliest',
      'auto.commit.interval.ms=200',
    ];
    for (const property of properties) args.push('--command-property', property);
    const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
    consumers.push(spawn('java', [...javaArguments(main), ...args], { stdio: 'ignore' }));
  }

  beforeAll(async () => {
    broker = await startBroker({ kind });
    await run('topic create orders -p 3 -c retention.ms=-1');
    const input = Array.from({ length: 30 }, (_, n) =>
      JSON.stringify({
        value: `r${n}`,
        partition: n % 3,
        timestamp: 1_700_000_000_000 + n * 60_000,
      }),
    );
    await run('produce orders --ndjson', input.join('\n'));
  }, MINUTES);

  afterAll(async () => {
    for (const child of consumers) child.kill('SIGKILL');
    await broker.stop();
    directory.remove();
  }, MINUTES);

  test(
    'live groups of both protocols: list, describe, members, lag; no reset, no delete',
    async () => {
      consume('modern', 'consumer');
      consume('old', 'classic');
      for (const group of ['modern', 'old']) {
        await waitUntil(
          async () => {
            const found = await run(`group lag ${group} --json`);
            return (
              found.code === 0 &&
              JSON.parse(found.stdout).lag === 0 &&
              /"r|orders/.test(found.stdout)
            );
          },
          { timeoutMs: 60_000, what: `${group} has read all` },
        );
      }
      expect(await json('group list')).toMatchObject([
        { id: 'modern', type: 'consumer', state: 'Stable', protocolType: 'consumer' },
        { id: 'old', type: 'classic', state: 'Stable', protocolType: 'consumer' },
      ]);
      expect(await json('group list --type classic --state stable,empty')).toMatchObject([
        { id: 'old' },
      ]);
      expect(await json('group list --state dead')).toEqual([]);

      const modern = await json('group describe modern');
      expect(modern).toMatchObject({
        type: 'consumer',
        state: 'Stable',
        protocol: 'uniform',
        coordinator: { port: broker.port },
        members: [{ clientId: 'till-consumer', protocol: 'consumer' }],
      });
      expect(modern.epoch).toBeGreaterThan(0);
      expect(modern.targetEpoch).toBe(modern.epoch);
      expect(modern.members[0].target).toHaveLength(3);
      const old = await json('group describe old');
      expect(old).toMatchObject({ type: 'classic', protocol: 'range', epoch: null });
      expect((await run('group members modern')).stdout).toMatch(
        /till-consumer .* 3 +orders\/0 orders\/1 orders\/2 /,
      );
      for (const group of ['modern', 'old']) {
        const name = group === 'modern' ? 'till-consumer' : 'till-classic';
        for (const what of [
          `group reset ${group} --all-topics --to-earliest --execute`,
          `group delete ${group} --yes`,
        ]) {
          const refused = await run(what);
          expect(refused.code, what).toBe(5);
          expect(refused.stderr).toContain(name);
        }
      }
      for (const child of consumers) {
        child.kill('SIGTERM');
        await once(child, 'close');
      }
    },
    MINUTES,
  );

  test('configs of a group', async () => {
    const name = 'consumer.session.timeout.ms';
    expect((await run(`config get ${name} --group modern`)).stdout).toBe('45000\n');
    expect((await run(`config set --group modern ${name}=50s`)).code).toBe(0);
    await waitUntil(
      async () => (await run(`config get ${name} --group modern`)).stdout === '50000\n',
      { timeoutMs: 10_000, what: 'the config is in force' },
    );
    expect(await json('config show --group modern')).toMatchObject({
      resource: { type: 'group', name: 'modern' },
      configs: [{ name, value: '50000', source: 'group' }],
    });
    const refused = await run(`config set --group modern ${name}=1s`);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('group.consumer.min.session.timeout.ms');
    expect((await run(`config set --group modern --unset ${name}`)).code).toBe(0);
  });

  test(
    'groups without members: every way of moving them',
    async () => {
      for (const group of ['modern', 'old']) {
        expect((await json(`group describe ${group}`)).state).toBe('Empty');
        expect(await offsets(group)).toEqual([10, 10, 10]);
        for (const [flags, after] of [
          ['--all-topics --to-earliest', [0, 0, 0]],
          ['--topic orders:0,2 --to-latest', [10, 0, 10]],
          ['--all-topics --to-offset 4', [4, 4, 4]],
          ['--topic orders:1 --shift-by -3', [4, 1, 4]],
          ['--all-topics --shift-by 1000', [10, 10, 10]],
          ['--all-topics --to-datetime 2023-11-14T22:18:20.000', [2, 2, 1]],
          ['--topic orders --by-duration P1D', [10, 10, 10]],
          ['--topic orders --by-duration P9999D', [0, 0, 0]],
          ['--all-topics --to-current', [0, 0, 0]],
        ] as const) {
          const shown = await run(`group reset ${group} ${flags}`);
          expect([shown.code, shown.stderr]).toEqual([0, expect.stringContaining('add --execute')]);
          const done = await run(`group reset ${group} ${flags} --execute`);
          expect([done.code, await offsets(group)], flags).toEqual([0, after]);
        }
      }
      const lag = await json('group lag old');
      expect(lag).toMatchObject({ lag: 30 });
      expect(lag.lagMs).toBeGreaterThan(365 * 86_400_000);
    },
    MINUTES,
  );

  test(
    'the two tools read each other',
    async () => {
      await run('group reset old --all-topics --to-offset 7 --execute');
      const ours = await run('group reset old --all-topics --to-current --export');
      const theirs = await kafkaTool(
        '--reset-offsets --group old --all-topics --to-current --export --dry-run',
      );
      const rows = (text: string) =>
        text
          .split('\n')
          .filter((line) => /^"?orders/.test(line))
          .sort();
      expect(rows(ours.stdout)).toEqual(rows(theirs.output));
      expect(rows(ours.stdout)).toHaveLength(3);

      const file = join(directory.path, 'ours.csv');
      writeFileSync(file, ours.stdout);
      await kafkaTool(`--reset-offsets --group copied-by-kafka --from-file ${file} --execute`);
      expect(await offsets('copied-by-kafka')).toEqual([7, 7, 7]);

      const many = await kafkaTool(
        '--reset-offsets --group old --group modern --all-topics --to-current --export --dry-run',
      );
      const whole = join(directory.path, 'theirs.csv');
      writeFileSync(
        whole,
        many.output
          .split('\n')
          .filter((line) => /orders,/.test(line))
          .join('\n'),
      );
      await run('group reset modern --all-topics --to-latest --execute');
      const taken = await run(`group reset old --from-file ${whole} --execute`);
      expect([taken.code, await offsets('old')]).toEqual([0, [7, 7, 7]]);

      const all = '--topic orders:0,1 --to-offset 5';
      const both = await run(`group reset old modern ${all} --export --execute`);
      const kafkas = await kafkaTool(
        '--reset-offsets --group old --group modern --topic orders:0,1 --to-offset 5 --export --dry-run',
      );
      const fields = (text: string) =>
        text
          .split('\n')
          .filter((line) => /orders,/.test(line))
          .map((line) => line.replaceAll('"', ''))
          .sort();
      expect(fields(both.stdout)).toHaveLength(4);
      expect(fields(both.stdout)).toEqual(fields(kafkas.output));
      expect([await offsets('old'), await offsets('modern')]).toEqual([
        [5, 5, 7],
        [5, 5, 10],
      ]);
      const copied = join(directory.path, 'both.csv');
      writeFileSync(copied, both.stdout);
      await run('group reset old modern --topic orders --to-latest --execute');
      await kafkaTool(`--reset-offsets --group old --group modern --from-file ${copied} --execute`);
      expect([await offsets('old'), await offsets('modern')]).toEqual([
        [5, 5, 10],
        [5, 5, 10],
      ]);
      await run('group reset old --all-topics --to-offset 7 --execute');
      expect(await json('group describe old modern')).toMatchObject([
        { id: 'old' },
        { id: 'modern' },
      ]);
      const described = await kafkaTool('--describe --group old --offsets');
      expect(described.output).toMatch(/old +orders +0 +7 +10 +3 /);
    },
    MINUTES,
  );

  test(
    'offsets of a topic, then whole groups, are deleted',
    async () => {
      expect((await run('group delete copied-by-kafka --topic orders --yes')).code).toBe(0);
      expect((await run('group delete modern old --yes')).code).toBe(0);
      const left = (await json('group list')).map(({ id }: { id: string }) => id);
      expect(left).not.toContain('modern');
      expect(left).not.toContain('old');
      expect(await run('group describe old')).toMatchObject({ code: 3 });
    },
    MINUTES,
  );

  test('the timeline, or why there is none', async () => {
    const shown = await run('group timeline old');
    if (kind === 'tidemark') expect(shown.stdout).toMatch(/till-classic joined[\s\S]*deleted/);
    else
      expect(shown).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('other brokers keep none'),
      });
  });
});
