// The tools on Apache Kafka, as on our own broker: a replay with a fix and a redrive that are killed on the way, copies
// of whole batches, what is refused, and a crawl whose services are killed.

import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type PeerBroker, runJava, startBroker } from '../../bench/peers/index.ts';
import { startSite } from '../../tools/crawler/index.ts';
import { type Finished, finished, scratch, start, tidemark } from '../stories/support.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';

const COUNT = 3000;
const test = testWith('java');
const directory = scratch();
const file = (name: string): string => join(directory.path, name);
let kafka: PeerBroker;

const env = () => ({ TIDEMARK_BROKERS: kafka.bootstrap });
const run = (args: readonly string[], input = ''): Promise<Finished> =>
  tidemark(args, { input, env: env() });
const documents = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const json = async (args: readonly string[]) => documents((await run([...args, '--json'])).stdout);
const contents = (topic: string) => json(['consume', topic, '-e', '-q']);

beforeAll(async () => {
  if (missing('java') !== undefined) return;
  kafka = await startBroker({ kind: 'kafka' });
  for (const topic of ['orders', 'orders.dlq', 'fixed', 'copy', 'back']) {
    await run(['topic', 'create', topic, '-p', '3']);
  }
  const lines = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({
      key: `k${n % 20}`,
      value: JSON.stringify({ n, euros: n % 100 }),
      headers: { 'tidemark.dlq.topic': 'back', 'tidemark.dlq.error': 'SchemaError' },
    }),
  ).join('\n');
  for (const topic of ['orders', 'orders.dlq']) await run(['produce', topic, '--ndjson'], lines);
  writeFileSync(
    file('fix.mjs'),
    `export function transform({ value }) {
       const { n, euros } = JSON.parse(value);
       return { value: { n, cents: euros * 100 } };
     }`,
  );
}, 240_000);
afterAll(async () => {
  await kafka?.stop();
  directory.remove();
});

/** First segments of the partitions. */
function globFolders(directoryOfLogs: string, name: RegExp): string[] {
  const folders = readdirSync(directoryOfLogs).filter((one) => name.test(one));
  return folders.map((one) => join(directoryOfLogs, one, `${'0'.repeat(20)}.log`));
}

/** Runs a job that is killed once its target has some records. */
async function killed(args: readonly string[], target: string): Promise<void> {
  const child = start([...args, '--execute'], { env: env() });
  const ended = once(child, 'close');
  await expect
    .poll(async () => (await contents(target)).length, { timeout: 60_000 })
    .toBeGreaterThan(50);
  child.kill('SIGKILL');
  await ended;
}

async function numbersIn(topic: string): Promise<number[]> {
  const numbers = (await contents(topic)).map((one) => JSON.parse(one.value).n as number);
  return numbers.sort((a, b) => a - b);
}

const all = Array.from({ length: COUNT }, (_, n) => n);

describe('on Apache Kafka', () => {
  test('a replay with a fix, killed on the way, writes each record once', async () => {
    const how = ['-f', 'value.euros > 0', '-m', file('fix.mjs'), '--to', 'fixed'];
    const [plan] = await json(['replay', 'orders', ...how]);
    expect(plan).toMatchObject({ offsets: COUNT, sample: { selected: 2970, exact: true } });
    await killed(['replay', 'orders', ...how, '--id', 'fix', '--rate', '600'], 'fixed');
    expect(await json(['replay', '--resume', 'fix'])).toMatchObject([{ state: 'done' }]);
    expect(await numbersIn('fixed')).toEqual(all.filter((n) => n % 100 > 0));
    const [compared] = await json(['replay', 'compare', '--job', 'fix']);
    expect(compared).toMatchObject({
      equal: 0,
      changed: { count: 2970 },
      onlyFirst: { count: 0 },
      onlySecond: { count: 0 },
    });
  }, 240_000);

  test('a copy as it is, killed on the way, is equal', async () => {
    await killed(
      ['replay', 'orders', '--as-is', '--to', 'copy', '--id', 'copy', '--rate', '600'],
      'copy',
    );
    expect(await json(['replay', '--resume', 'copy'])).toMatchObject([{ state: 'done' }]);
    const compared = await run([
      'replay',
      'compare',
      'orders',
      'copy',
      '--by',
      'offset',
      '--equal',
    ]);
    expect([compared.code, compared.stdout]).toEqual([
      0,
      `${COUNT} pairs: ${COUNT} equal, 0 changed\n0 only in orders\n0 only in copy\n`,
    ]);
  }, 240_000);

  test('a redrive with a transform, killed on the way, writes each letter once', async () => {
    await killed(
      ['dlq', 'redrive', 'orders.dlq', '-m', file('fix.mjs'), '--id', 'redrive', '--rate', '600'],
      'back',
    );
    const [rest] = await json(['dlq', 'redrive', '--resume', 'redrive']);
    expect(rest).toMatchObject({ state: 'done' });
    expect(await numbersIn('back')).toEqual(all);
    const [[listed]] = await json(['dlq', 'list']);
    expect(listed).toMatchObject({ topic: 'orders.dlq', pending: 0, redriven: COUNT });
  }, 240_000);

  test('what is refused is told with its place', async () => {
    await run(['topic', 'create', 'small', '-p', '3', '-c', 'max.message.bytes=100']);
    const small = await run(['replay', 'orders', '--to', 'small', '--id', 's', '--execute']);
    expect([small.code, small.stderr]).toEqual([
      1,
      expect.stringMatching(/topic small refused orders\/[012]\/0: [\s\S]*go on with .*--resume s/),
    ]);
    const outside = await run(['replay', 'orders', '-o', '9000..9100', '--to', 'fixed']);
    expect([outside.code, outside.stderr]).toEqual([
      2,
      expect.stringMatching(/begins after the last record in orders\/0/),
    ]);
  }, 240_000);

  test('dump reads the files of Apache Kafka', async () => {
    const folder = join(kafka.logDirectory, 'orders-0');
    const of = (name: string) => ['dump', join(folder, `${'0'.repeat(20)}${name}`)];
    const records = await json([...of('.log'), '--records']);
    const values = records.filter((one) => one.kind === 'record');
    expect(values.length).toBe((await json(['consume', 'orders', '-p', '0', '-e', '-q'])).length);
    expect(JSON.parse(values[0].value)).toMatchObject({ n: expect.any(Number) });
    for (const name of ['.index', '.timeindex']) {
      const dumped = await run(of(name));
      expect([name, dumped.code, dumped.stderr]).toEqual([name, 0, '']);
    }
    const epochs = await json(['dump', join(folder, 'leader-epoch-checkpoint')]);
    expect(epochs).toMatchObject([{ epoch: 0, startOffset: 0 }]);
    const metadata = await json([
      'dump',
      '--records',
      join(kafka.logDirectory, 'bootstrap.checkpoint'),
    ]);
    const markers = metadata.filter((one) => one.kind === 'record' && one.control !== undefined);
    expect(markers.map((one) => one.control)).toEqual(['snapshot header', 'snapshot footer']);
    await run(['group', 'reset', 'billing', '--topic', 'orders', '--to-offset', '5', '--execute']);
    const logs = globFolders(kafka.logDirectory, /^__consumer_offsets-/);
    const groups = await json(['dump', '--records', ...logs]);
    const commits = groups.filter((one) => one.decoded?.kind === 'offset');
    expect(commits.map((one) => one.decoded)).toContainEqual(
      expect.objectContaining({ group: 'billing', topic: 'orders' }),
    );
  }, 240_000);

  test("dump says of the cluster's metadata what Kafka's own tool says", async () => {
    await run(['topic', 'create', 'short-lived']);
    await run(['topic', 'delete', 'short-lived', '--yes']);
    // The log grows while we read it.
    const copy = file('__cluster_metadata-0');
    mkdirSync(copy);
    const [log] = globFolders(kafka.logDirectory, /^__cluster_metadata-0/);
    copyFileSync(log!, join(copy, `${'0'.repeat(20)}.log`));
    for (const path of [
      join(copy, `${'0'.repeat(20)}.log`),
      join(kafka.logDirectory, 'bootstrap.checkpoint'),
    ]) {
      const how = ['--cluster-metadata-decoder', '--files', path];
      const { output } = await runJava('org.apache.kafka.tools.DumpLogSegments', how);
      const theirs = [...output.matchAll(/^\| offset: (\d+) .* payload: (.*)$/gm)];
      const ours = (await json(['dump', '--records', path])).filter((one) => one.kind === 'record');
      expect(
        ours
          .filter(({ control }) => control === undefined)
          .map(({ offset, decoded }) => [offset, JSON.stringify(decoded)]),
      ).toEqual(theirs.map(([, offset, payload]) => [Number(offset), payload]));
      expect(theirs.length).toBeGreaterThan(5);
      for (const { control, decoded } of ours) {
        if (control !== undefined) expect(output).toContain(JSON.stringify(decoded));
      }
    }
  }, 240_000);

  test('a crawl whose services are killed ends as one that nobody disturbs', async () => {
    const site = await startSite({ hosts: 4, pagesPerHost: 20, latencyMs: 10 });
    try {
      const crawl = async (name: string, kills: number): Promise<Map<string, unknown>> => {
        const args = [
          'demo',
          'crawler',
          site.start,
          '--name',
          name,
          '-b',
          kafka.bootstrap,
          '--json',
        ];
        args.push('--hosts', site.hosts.join(','), '--delay', '10', '--depth', '8');
        const child = start(args);
        let left = kills;
        createInterface({ input: child.stdout! }).on('line', (line) => {
          const { pages = 0, services = [] } = JSON.parse(line);
          const victim = services[left % Math.max(1, services.length)];
          if (left === 0 || pages === 0 || victim.pid === null || victim.restarts > 0) return;
          left -= 1;
          process.kill(victim.pid, 'SIGKILL');
        });
        expect(await finished(child)).toMatchObject({ code: 0, stderr: '' });
        expect(left).toBe(0);
        const results = await contents(`${name}.results`);
        return new Map(results.map((one) => [one.key, JSON.parse(one.value)]));
      };
      const wanted = await crawl('calm', 0);
      expect(wanted.size).toBeGreaterThan(60);
      const found = await crawl('wild', 3);
      expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
      for (const [url, result] of wanted) expect(found.get(url)).toEqual(result);
    } finally {
      await site.close();
    }
  }, 240_000);
});
