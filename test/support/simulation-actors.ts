// The clients of a simulated run. Each has its own connections, runs the real client code, goes on through any trouble
// until its work is done, and tells the model what it was promised.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import type { Clock } from '../../src/base/ports.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  alterConfigs,
  ClientError,
  Cluster,
  type Connector,
  commitOffsets,
  committedOffsets,
  createTopics,
  deleteRecords,
  deleteTopics,
  LogReader,
  Producer,
  tcpNetwork,
} from '../../src/client/index.ts';
import { ElectLeaders, InitProducerId } from '../../src/protocol/index.ts';
import { brokerAddress } from './simulation-broker.ts';
import {
  type Acks,
  type Model,
  type PartitionModel,
  RegisterModel,
  Violation,
} from './simulation-model.ts';

export interface Stage {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly connector: Connector;
  readonly model: Model;
  /** Notes something that happened, for the run's fingerprint. */
  readonly trace: (what: string) => void;
  /** Set once no more faults come: whoever waits for something to end may stop trying new things. */
  readonly healed: () => boolean;
}

export const sleep = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });

/** Trouble that a client may have when the broker or the way to it is in trouble. */
export function bearable(error: unknown): boolean {
  return error instanceof ClientError || error instanceof KafkaError;
}

/** A client of its own, with little patience. */
export function newCluster(stage: Stage, name: string): Cluster {
  const { clock, connector } = stage;
  const random = stage.random.fork();
  const network = tcpNetwork([brokerAddress], {
    clientId: name,
    connector,
    clock,
    random,
    connectTimeoutMs: 600,
    requestTimeoutMs: 900,
    reconnectBackoffMs: 20,
    reconnectBackoffMaxMs: 200,
  });
  return new Cluster({ network, clock, random, apiTimeoutMs: 2_000 });
}

/** Tries until it works; throws what no retry can mend. */
export async function insist<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!bearable(error)) throw error;
      await sleep(clock, 50);
    }
  }
}

/** Makes the topics that stay. */
export async function createStage(stage: Stage): Promise<void> {
  const cluster = newCluster(stage, 'setup');
  const { clock, model } = stage;
  const names = [...new Set(model.partitions.map(({ topic }) => topic))];
  await insist(clock, async () => {
    const topics = names.map((name) => ({
      name,
      partitions: model.partitions.filter((one) => one.topic === name).length,
      configs: { 'internal.segment.bytes': '2000', 'index.interval.bytes': '300' },
    }));
    for (const { name, error } of await createTopics(cluster, topics)) {
      if (error !== null && error.code !== 'TOPIC_ALREADY_EXISTS') throw error;
      model.topics.set(name, 'exists');
    }
  });
  await cluster.close();
}

export interface ProducerPlan {
  readonly producer: number;
  readonly topic: string;
  readonly acks: Acks;
  readonly idempotent: boolean;
  readonly records: number;
}

/** Sends records to random partitions of one topic, in bursts. */
export async function produce(stage: Stage, plan: ProducerPlan): Promise<void> {
  const { clock, random, model, trace } = stage;
  const { topic, acks, idempotent, producer } = plan;
  const cluster = newCluster(stage, `producer-${producer}`);
  const own = new Producer(cluster, {
    key: 'buffer',
    value: 'buffer',
    acks,
    idempotent,
    ...(random.chance(0.3) ? {} : { lingerMs: random.below(6) }),
    batchBytes: 200 + random.below(1500),
    deliveryTimeoutMs: 5_000,
    requestTimeoutMs: 900,
  });
  const partitions = model.partitions.filter((one) => one.topic === topic);
  for (let sent = 0; sent < plan.records; sent++) {
    // Now and then one record for each: their commits then go through the journal, if they are many.
    const everywhere = partitions.length > 16 && sent < partitions.length * 2;
    const partition =
      partitions[everywhere ? sent % partitions.length : random.below(partitions.length)];
    if (partition === undefined) throw new Error('a topic without partitions');
    const bytes = random.chance(0.03) ? 2_500 : 10 + random.below(250);
    const record = model.record(partition, { producer, acks, idempotent }, bytes);
    const { key, value } = record;
    const done = new Promise<void>((resolve) => {
      const end = (error: Error | null, offset: number): void => {
        record.state = error === null ? 'acknowledged' : 'failed';
        record.offset = offset;
        trace(`${partition.name} ${record.id} ${record.state} ${record.offset}`);
        resolve();
      };
      own.enqueue(
        { topic, key, value, partition: partition.index },
        (landed) => end(null, landed.offset),
        (error) => end(error, -1),
      );
    });
    if (everywhere && (sent + 1) % partitions.length !== 0) continue;
    if (random.chance(0.25)) await done;
    else if (random.chance(0.2)) await sleep(clock, random.below(150));
  }
  await own.close();
  await cluster.close();
}

/** Reads one topic from its start until `until` says that it has seen enough. */
export async function consume(
  stage: Stage,
  topic: string,
  until: (positions: ReadonlyMap<number, number>) => boolean,
): Promise<void> {
  const { clock, model, trace } = stage;
  const partitions = model.partitions.filter((one) => one.topic === topic);
  const positions = new Map(partitions.map(({ index }) => [index, 0]));
  const cluster = newCluster(stage, `consumer-${topic}`);
  const enough = new AbortController();
  // Who has read everything in a session is given no more results.
  const stopWhenEnough = (): void => {
    if (until(positions)) enough.abort();
    else cancelLook = clock.setTimer(1_000, stopWhenEnough);
  };
  let cancelLook = clock.setTimer(1_000, stopWhenEnough);
  while (!enough.signal.aborted && !until(positions)) {
    const told = new Map<number, number>();
    const reader = new LogReader(cluster, {
      topic,
      isolation: stage.random.chance(0.5) ? 'read_committed' : 'read_uncommitted',
      maxWaitMs: 250,
      partitionBytes: 400 + stage.random.below(3000),
      patienceMs: 3_000,
      onMoved: (index, from, to) => {
        // Only DeleteRecords moves a reader that was told to begin here, and only forward.
        if (to < from) partitions[index]?.fail(`a reader at ${from} was sent back to ${to}`);
      },
    });
    for (const [index, offset] of positions) reader.set(index, offset);
    try {
      for await (const result of reader.read(enough.signal)) {
        const partition = partitions[result.partition];
        if (partition === undefined) throw new Violation(`records of ${topic}-${result.partition}`);
        for (const record of result.records) partition.observe(record);
        const before = told.get(result.partition) ?? 0;
        if (result.endOffset < before) {
          partition.fail(`a reader was told ${before} and then ${result.endOffset}`);
        }
        told.set(result.partition, result.endOffset);
        partition.watermark = Math.max(partition.watermark, result.endOffset);
        positions.set(result.partition, result.nextOffset);
        if (result.records.length > 0) trace(`read ${partition.name} to ${result.nextOffset}`);
        if (until(positions)) break;
      }
    } catch (error) {
      if (!bearable(error)) throw error;
      await sleep(clock, 50);
    }
  }
  cancelLook();
  await cluster.close();
}

/** Commits offsets for a group without members, ever higher, and reads them back. */
export async function commit(stage: Stage, group: string, rounds: number): Promise<void> {
  const { clock, random, model, trace } = stage;
  const cluster = newCluster(stage, `committer-${group}`);
  const next = new Map<PartitionModel, number>();
  for (let round = 0; round < rounds; round++) {
    const partition = random.pick(model.partitions);
    const commits = model.commit(group, partition);
    const { topic, index } = partition;
    try {
      if (random.chance(0.7)) {
        const offset = (next.get(partition) ?? 0) + random.below(5);
        next.set(partition, offset);
        commits.attempted = Math.max(commits.attempted, offset);
        await commitOffsets(cluster, group, topic, new Map([[index, offset]]));
        commits.acknowledged = Math.max(commits.acknowledged, offset);
        trace(`committed ${commits.name} ${offset}`);
      } else {
        const { acknowledged } = commits;
        const found = await committedOffsets(cluster, group, topic, [index]);
        commits.check(found.get(index) ?? -1, acknowledged);
      }
    } catch (error) {
      if (!bearable(error)) throw error;
    }
    await sleep(clock, random.below(200));
  }
  await cluster.close();
}

/** All groups' offsets, asked of the broker and compared. */
export async function checkCommits(stage: Stage): Promise<void> {
  const { clock, model } = stage;
  const cluster = newCluster(stage, 'commit-check');
  for (const partition of model.partitions) {
    for (const [name, commits] of model.commits) {
      const [group = '', place] = name.split(' on ');
      if (place !== partition.name) continue;
      const { acknowledged } = commits;
      const { topic, index } = partition;
      const found = await insist(clock, () => committedOffsets(cluster, group, topic, [index]));
      commits.check(found.get(index) ?? -1, acknowledged);
    }
  }
  await cluster.close();
}

/** Producer ids must be given out once, whatever happens in between. */
export async function takeProducerIds(stage: Stage, count: number): Promise<void> {
  const cluster = newCluster(stage, 'ids');
  const { clock, random } = stage;
  const taken = new Set<number>();
  while (taken.size < count) {
    const id = await insist(clock, async () => {
      const transport = await cluster.any();
      const answer = await transport
        .send(InitProducerId, { transactionalId: null, transactionTimeoutMs: 1000 })
        .catch((error: unknown) => {
          throw new ClientError('connection_lost', 'no producer id', { cause: error });
        });
      return answer.errorCode === 0 ? answer.producerId : -1;
    });
    if (id >= 0 && taken.has(id)) throw new Violation(`producer id ${id} was given out twice`);
    if (id >= 0) taken.add(id);
    await sleep(clock, random.below(400));
  }
  await cluster.close();
}

/** An administrator who changes things while everybody works. */
export async function administrate(stage: Stage, rounds: number): Promise<void> {
  const { clock, random, trace } = stage;
  const cluster = newCluster(stage, 'admin');
  for (let round = 0; round < rounds; round++) {
    try {
      const dice = random.next();
      if (dice < 0.4) await deleteSome(cluster, stage);
      else if (dice < 0.6) await changeConfig(cluster, stage);
      else await comeAndGo(cluster, stage, `passing-${random.below(2)}`);
    } catch (error) {
      if (!bearable(error)) throw error;
      trace(`admin ${(error as Error).message}`);
    }
    await sleep(clock, random.below(400));
  }
  await cluster.close();
}

async function deleteSome(cluster: Cluster, { random, model, trace }: Stage): Promise<void> {
  const partition = random.pick(model.partitions);
  const { watermark, askedStart } = partition;
  if (watermark - askedStart < 4) return;
  const offset = askedStart + random.below(Math.ceil((watermark - askedStart) / 2));
  partition.askedStart = Math.max(offset, askedStart);
  await deleteRecords(cluster, partition.topic, new Map([[partition.index, offset]]));
  partition.confirmedStart = Math.max(partition.confirmedStart, offset);
  trace(`deleted ${partition.name} ${offset}`);
}

async function changeConfig(cluster: Cluster, { random, model, trace }: Stage): Promise<void> {
  const { topic } = random.pick(model.partitions);
  const register = model.configs.get(topic) ?? new RegisterModel(`segment.ms of ${topic}`, null);
  model.configs.set(topic, register);
  const value = String(200 + random.below(2_000));
  register.attempt(value);
  await alterConfigs(cluster, { type: 'topic', name: topic }, [
    { name: 'segment.ms', operation: 'set', value },
  ]);
  register.acknowledged(value);
  trace(`config ${topic} ${value}`);
}

/** Makes a topic that does not exist, or deletes the one that does. */
async function comeAndGo(cluster: Cluster, { model, trace }: Stage, name: string): Promise<void> {
  const state = model.topics.get(name) ?? 'gone';
  model.topics.set(name, 'unknown');
  const [outcome] =
    state === 'gone'
      ? await createTopics(cluster, [{ name, partitions: 1 }])
      : await deleteTopics(cluster, [name]);
  const code = outcome?.error?.code ?? 'NONE';
  trace(`topic ${name} ${state} ${code}`);
  if (state === 'gone' && (code === 'NONE' || code === 'TOPIC_ALREADY_EXISTS')) {
    model.topics.set(name, 'exists');
  }
  if (state !== 'gone' && (code === 'NONE' || code === 'UNKNOWN_TOPIC_OR_PARTITION')) {
    model.topics.set(name, 'gone');
  }
}

/** Asks for every failed partition to be brought back. */
export async function electLeaders(stage: Stage): Promise<void> {
  const cluster = newCluster(stage, 'elect');
  try {
    const transport = await cluster.any();
    await transport.send(ElectLeaders, { electionType: 0, topicPartitions: null, timeoutMs: 900 });
  } catch (error) {
    if (!bearable(error)) throw error;
  }
  await cluster.close();
}
