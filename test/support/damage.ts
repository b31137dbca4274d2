// Data directories that are damaged on purpose, and what must still be served from them.

import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type ServingBroker, serveAlone } from '../../src/compose/serve-alone.ts';
import { CreateTopics, OffsetCommit, OffsetFetch, Produce } from '../../src/protocol/index.ts';
import { batchBytes, buildBatch, iterateBatches, readRecords } from '../../src/record/index.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { readPartition } from './damage-read.ts';

export const TOPIC_SHAPES = [
  { name: 'orders', partitions: 2, batches: 24, configs: { 'internal.segment.bytes': '6000' } },
  { name: 'small', partitions: 1, batches: 2, configs: {} },
  {
    name: 'keyed',
    partitions: 1,
    batches: 12,
    configs: { 'internal.segment.bytes': '6000', 'cleanup.policy': 'compact' },
  },
] as const;
const GROUP = 'readers';
const COMMITTED = 5;
const RECORDS = 3;

/** One batch of the undamaged directory. */
export interface WholeBatch {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  readonly values: readonly string[];
  /** Where it lies: file relative to the data directory, and bytes there. */
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

export interface DamageFixture {
  readonly directory: string;
  /** All files, relative to the directory. */
  readonly files: readonly string[];
  readonly batches: readonly WholeBatch[];
}

/** How one file is damaged; `from` and `to` are fractions of its length. */
export type Damage =
  | {
      readonly kind: 'truncated' | 'zeroed' | 'flipped';
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'deleted' | 'emptied' };

/** Configs under which nothing happens by itself while a test looks. */
const CONFIGS = { 'log.cleaner.enable': 'false', 'offsets.topic.num.partitions': '2' };

function open(directory: string, log: CapturedLog): Promise<ServingBroker> {
  return serveAlone({ dataDir: directory, port: 0, configs: CONFIGS, logger: log.logger });
}

/**
 * Fills a new directory: topics of several shapes with several segments each, a group's offsets. `clean`: stopped in
 * order; otherwise as a kill leaves it.
 */
export async function makeFixture(
  directory: string,
  stop: 'clean' | 'killed',
): Promise<DamageFixture> {
  const origin = `${directory}-origin`;
  mkdirSync(origin, { recursive: true });
  const broker = await open(origin, capturedLog());
  try {
    await fill(broker);
    if (stop === 'killed') {
      // Marks and checkpoints are at most one second late.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      // A socket cannot be copied.
      const filter = (path: string): boolean => !lstatSync(path).isSocket();
      cpSync(origin, directory, { recursive: true, filter });
    }
  } finally {
    await broker.close();
  }
  if (stop === 'clean') cpSync(origin, directory, { recursive: true });
  rmSync(origin, { recursive: true, force: true });
  const files = filesOf(directory).filter((file) => file !== 'lock');
  return { directory, files, batches: batchesOf(directory, files) };
}

async function fill(broker: ServingBroker): Promise<void> {
  const transport = broker.transport();
  const topics = TOPIC_SHAPES.map(({ name, partitions, configs }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }));
  await transport.send(CreateTopics, { topics, timeoutMs: 10_000 });
  for (const { name, partitions, batches } of TOPIC_SHAPES) {
    for (let batch = 0; batch < batches; batch += 1) {
      for (let partition = 0; partition < partitions; partition += 1) {
        await produce(broker, name, partition, batch);
      }
    }
  }
  await commit(broker);
  await transport.close();
}

/** Groups load after the start, and say so. */
async function commit(broker: ServingBroker): Promise<void> {
  const transport = broker.transport();
  for (;;) {
    const answer = await transport.send(
      OffsetCommit,
      {
        groupId: GROUP,
        memberId: '',
        topics: [
          {
            name: 'orders',
            partitions: [
              { partitionIndex: 0, committedOffset: COMMITTED, committedMetadata: null },
            ],
          },
        ],
      },
      { version: 7 },
    );
    if (answer.topics[0]?.partitions[0]?.errorCode === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function produce(
  broker: ServingBroker,
  topic: string,
  partition: number,
  batch: number,
): Promise<number> {
  const records = buildBatch(
    Array.from({ length: RECORDS }, (_, index) => ({
      timestamp: 1_700_000_000_000 + batch,
      key: Buffer.from(`key-${batch}-${index}`),
      value: Buffer.from(`${topic}-${partition} ${batch}.${index} ${'word '.repeat(60)}`),
    })),
  );
  const answer = await broker.transport().send(
    Produce,
    {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    },
    { version: 9 },
  );
  const one = answer.responses[0]?.partitionResponses[0];
  if (one?.errorCode !== 0)
    throw new Error(`${topic}-${partition}: produce gave ${one?.errorCode}`);
  return Number(one.baseOffset);
}

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

function batchesOf(directory: string, files: readonly string[]): WholeBatch[] {
  const batches: WholeBatch[] = [];
  for (const file of files) {
    const match = /^(\w+)-(\d+)\/\d+\.log$/.exec(file);
    if (match?.[1] === undefined || match[1].startsWith('__')) continue;
    for (const header of iterateBatches(readFileSync(join(directory, file)))) {
      const values = [...readRecords(batchBytes(header))].map((record) => String(record.value));
      batches.push({
        topic: match[1],
        partition: Number(match[2]),
        baseOffset: header.baseOffset,
        values,
        file,
        from: header.position,
        to: header.position + header.sizeInBytes,
      });
    }
  }
  return batches;
}

/** Damages a file; answers the bytes of it that are not what they were. */
export function inflict(path: string, damage: Damage): { from: number; to: number } {
  const size = statSync(path).size;
  if (!('from' in damage)) {
    if (damage.kind === 'deleted') rmSync(path);
    else truncateSync(path, 0);
    return { from: 0, to: size };
  }
  const from = Math.min(size, Math.floor(damage.from * size));
  const to =
    damage.kind === 'truncated'
      ? size
      : Math.min(size, Math.max(from + 1, Math.floor(damage.to * size)));
  if (damage.kind === 'truncated') truncateSync(path, from);
  else {
    const bytes = readFileSync(path);
    for (let at = from; at < to; at += 1) {
      bytes[at] = damage.kind === 'zeroed' ? 0 : (bytes[at] ?? 0) ^ 0x10;
    }
    writeFileSync(path, bytes);
  }
  return { from, to };
}

/**
 * Opens a copy of the fixture with one file damaged, serves, and stops; twice, as the second start meets what the first
 * made of it. Answers what is wrong.
 */
export async function tryDamage(
  fixture: DamageFixture,
  file: string,
  damage: Damage,
): Promise<string[]> {
  const directory = await mkdtemp(`${fixture.directory}-damaged-`);
  await cp(fixture.directory, directory, { recursive: true });
  try {
    const hurt = inflict(join(directory, file), damage);
    const wrongs: string[] = [];
    const marker = new Map<string, number>();
    for (const start of ['first', 'second']) {
      const log = capturedLog();
      const broker = await open(directory, log);
      try {
        const found = await check(broker, { fixture, file, hurt, marker, log, start });
        wrongs.push(...found.map((wrong) => `${start} start: ${wrong}`));
      } finally {
        await broker.close();
      }
    }
    return wrongs;
  } catch (error) {
    return [`threw ${(error as Error).stack}`];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Scene {
  readonly fixture: DamageFixture;
  readonly file: string;
  readonly hurt: { readonly from: number; readonly to: number };
  /** Partition → offset of the record written on the first start. */
  readonly marker: Map<string, number>;
  readonly log: CapturedLog;
  readonly start: string;
}

async function check(broker: ServingBroker, scene: Scene): Promise<string[]> {
  const wrongs: string[] = [];
  const { fixture, hurt, file, marker } = scene;
  const touches = (batch: WholeBatch) =>
    batch.file === file && batch.to > hurt.from && batch.from < hurt.to;
  let lost = 0;
  for (const { name, partitions } of TOPIC_SHAPES) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const of = (one: { topic: string; partition: number }) =>
        one.topic === name && one.partition === partition;
      const place = `${name}-${partition}`;
      const batches = fixture.batches.filter(of);
      const read = await readPartition(broker, name, partition);
      wrongs.push(...read.wrongs.map((wrong) => `${place}: ${wrong}`));
      for (const batch of batches) {
        const there = batch.values.every(
          (value, index) => read.values.get(batch.baseOffset + index) === value,
        );
        if (!there && !touches(batch))
          wrongs.push(`${place}: good batch ${batch.baseOffset} is lost`);
        if (!there) lost += 1;
      }
      const first = marker.get(place);
      if (first !== undefined && !read.values.has(first)) {
        wrongs.push(`${place}: ${first}, acknowledged after the damage, is lost`);
      }
      const known = new Set([...batches.flatMap((batch) => batch.values)]);
      for (const [offset, value] of read.values) {
        if (!known.has(value) && !marked(value)) wrongs.push(`${place}: ${offset} was never sent`);
      }
      const end = Math.max(
        -1,
        ...batches.map((batch) => batch.baseOffset + batch.values.length - 1),
      );
      const offset = await produce(broker, name, partition, MARKER);
      // An unclean end may have been lost together with the marks; a clean one is known.
      if (offset <= end && lost === 0)
        wrongs.push(`${place}: offset ${offset} was given out again`);
      marker.set(place, offset);
    }
  }
  if (lost > 0 && scene.start === 'first' && !reported(scene.log)) {
    wrongs.push(`${lost} batches are lost and nothing is said`);
  }
  wrongs.push(...(await checkGroup(broker, file)));
  return wrongs;
}

const MARKER = 9_999;

function marked(value: string): boolean {
  return value.includes(` ${MARKER}.`);
}

function reported({ lines }: CapturedLog): boolean {
  return lines.some(({ level }) => level === 'warn' || level === 'error');
}

async function checkGroup(broker: ServingBroker, file: string): Promise<string[]> {
  const transport = broker.transport();
  for (;;) {
    const answer = await transport.send(
      OffsetFetch,
      { groupId: GROUP, topics: [{ name: 'orders', partitionIndexes: [0] }] },
      { version: 7 },
    );
    const one = answer.topics[0]?.partitions[0];
    const code = answer.errorCode !== 0 ? answer.errorCode : (one?.errorCode ?? -1);
    // Loading, or its coordinator is not there yet.
    if (code === 14 || code === 15) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const found = Number(one?.committedOffset);
    const mayBeLost = /^__consumer_offsets-\d+\/\d+\.log$/.test(file);
    if (code === 0 && (found === COMMITTED || (mayBeLost && found === -1))) return [];
    return [`the group's offset is ${found}, error ${code}`];
  }
}
