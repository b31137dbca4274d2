// What the client knows of a cluster: its brokers, topics and leaders, learnt from Metadata and forgotten on errors;
// and the loop that tries again what may be tried again.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { sleep } from '../base/pause.ts';
import type { Clock, Random } from '../base/ports.ts';
import {
  FindCoordinator,
  Metadata,
  type MetadataResponse,
  type Transport,
} from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { AnyBroker } from './any-broker.ts';
import { ClientError } from './errors.ts';
import type { Network, Node } from './network.ts';
import {
  isTold,
  type LeaderHint,
  type PartitionInfo,
  partitionOf,
  TopicCache,
  type TopicInfo,
  topicInfo,
} from './topic-cache.ts';
import { isUnknownTopic, NoSuchPartitionError, topicProblem } from './topic-errors.ts';

export interface ClusterOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a call goes on trying, in ms (Kafka's `default.api.timeout.ms`). Default 60 000. */
  readonly apiTimeoutMs?: number;
  /** Age in ms at which metadata is asked for again (`metadata.max.age.ms`). Default 300 000. */
  readonly metadataMaxAgeMs?: number;
  /** Whether asking for an unknown topic may create it (`allow.auto.create.topics`). Default true. */
  readonly allowAutoTopicCreation?: boolean;
  /** Hears of each failure that is tried again, and for how long (ms) yet; Infinity: until it is closed. */
  readonly onTrouble?: (error: unknown, leftMs: number) => void;
  /** Where what nobody listens for is told, once it has lasted: the process's warnings. */
  readonly warn?: (message: string) => void;
}

export interface ClusterInfo {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly nodes: readonly Node[];
}

const RETRY_BACKOFF_MS = 100;
const PARTITION_ASKED_MAX = 3;
const RETRY_BACKOFF_MAX_MS = 1_000;

/** Throws the KafkaError of a response's code; 0 is fine. `message` is the broker's own text, when it sent one. */
export function throwIfError(code: number, what: string, message?: string | null): void {
  if (code === ErrorCode.NONE) return;
  const name = errorName(code);
  throw new KafkaError(name, message ? `${what}: ${message}` : `${what}: ${name}`);
}

export class Cluster {
  readonly clock: Clock;
  readonly random: Random;
  readonly #network: Network;
  readonly #apiTimeoutMs: number;
  readonly #metadataMaxAgeMs: number;
  readonly #autoCreate: boolean;
  readonly #warn: ((message: string) => void) | undefined;
  readonly #onTrouble: ((error: unknown, leftMs: number) => void) | undefined;
  readonly #topics = new TopicCache();
  readonly #coordinators = new Map<string, Node>();
  #nodes: readonly Node[] = [];
  #controllerId = -1;
  #clusterId: string | null = null;
  /** Whether brokers and controller may be others than were told last. */
  #stale = true;
  readonly #anyBroker: AnyBroker;

  constructor(options: ClusterOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.#network = options.network;
    this.#apiTimeoutMs = options.apiTimeoutMs ?? 60_000;
    this.#metadataMaxAgeMs = options.metadataMaxAgeMs ?? 300_000;
    this.#autoCreate = options.allowAutoTopicCreation ?? true;
    this.#onTrouble = options.onTrouble;
    this.#warn = options.warn;
    this.#anyBroker = new AnyBroker(options.clock, () => [
      ...this.#network.entries(),
      ...this.#nodes.map((node) => this.#network.to(node)),
    ]);
  }

  /** Whether the bytes of a request are ours again once it is answered. */
  get copies(): boolean {
    return this.#network.copies;
  }

  /** Brokers and controller, asked for anew. */
  async describe(): Promise<ClusterInfo> {
    await this.retry(() => this.#refresh([], false));
    return { clusterId: this.#clusterId, controllerId: this.#controllerId, nodes: this.#nodes };
  }

  /** All topics, asked for anew, by name. */
  async listTopics(): Promise<TopicInfo[]> {
    const response = await this.retry(() => this.#refresh(null, false));
    const found = response.topics.filter((topic) => topic.errorCode === ErrorCode.NONE);
    return found.map(topicInfo).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * One topic, from the cache when that is not old (`fresh`: asked for anew in any case), also when partitions of it
   * have no leader now. Throws KafkaError `UNKNOWN_TOPIC_OR_PARTITION` (at once when creating was not asked for),
   * `INVALID_TOPIC_EXCEPTION`, `TOPIC_AUTHORIZATION_FAILED`; and what passes, as `LEADER_NOT_AVAILABLE` of a topic that
   * is being made, when it has lasted, or at once (`once`).
   */
  async topic(
    name: string,
    options: { create?: boolean; fresh?: boolean; once?: boolean } = {},
  ): Promise<TopicInfo> {
    const known = options.fresh === true ? null : this.knownTopic(name);
    if (known !== null) return known;
    const create = options.create === true && this.#autoCreate;
    return this.retry(
      async () => {
        const response = await this.#refresh([name], create);
        const topic = response.topics.find((one) => one.name === name);
        if (topic === undefined) {
          throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic '${name}'`);
        }
        if (!isTold(topic)) throwIfError(topic.errorCode, topicProblem(name, topic.errorCode));
        return this.#topics.latest(name) ?? topicInfo(topic);
      },
      // An unknown topic that nobody creates will not appear by waiting.
      (error) => {
        const mayPass = create || !isUnknownTopic(error);
        return mayPass && !(options.once === true && error instanceof KafkaError);
      },
    );
  }

  /** What the cache holds of a partition's leader, without asking anybody; null when it is old or there is none. */
  knownLeader(
    topic: string,
    partition: number,
  ): { readonly node: Node; readonly epoch: number; readonly topicId: string } | null {
    const info = this.knownTopic(topic);
    const found = info === null ? undefined : partitionOf(info, partition);
    const node = this.node(found?.leaderId ?? -1);
    if (info === null || found === undefined || node === null) return null;
    return { node, epoch: found.leaderEpoch, topicId: info.id };
  }

  /** What is known of a topic and fresh, without asking; null: ask {@link topic}. */
  knownTopic(name: string): TopicInfo | null {
    return this.#topics.fresh(name, this.clock.monotonic());
  }

  /** The broker of that id as metadata last named it; null when they did not. */
  node(id: number): Node | null {
    return this.#nodes.find((one) => one.id === id) ?? null;
  }

  /**
   * Takes over what a broker that does not lead a partition said of the one that does (KIP-951). True: it is news, and
   * {@link knownLeader} is that one; false: ask for metadata.
   */
  learnLeader(place: TopicPartition, { leader, endpoints }: LeaderHint): boolean {
    const { leaderId } = leader;
    const told = endpoints.find((one) => one.nodeId === leaderId);
    if (leaderId < 0 || (told === undefined && this.node(leaderId) === null)) return false;
    if (!this.#topics.takeLeader(place, leader)) return false;
    if (told !== undefined) {
      const { host, port } = told;
      const others = this.#nodes.filter((one) => one.id !== leaderId);
      this.#nodes = [...others, { id: leaderId, host, port }];
    }
    return this.knownTopic(place.topic) !== null;
  }

  /** Forgets what is known of a topic, after an error that says it is stale. */
  forget(topic: string): void {
    this.#topics.forget(topic);
  }

  /**
   * The way to a partition's leader. Throws as {@link topic}, and so for a partition that the topic does not have by
   * metadata of now; `LEADER_NOT_AVAILABLE` when there is no leader now.
   */
  async leader(topic: string, partition: number): Promise<{ node: Node; epoch: number }> {
    const known = partitionOf(await this.topic(topic), partition);
    const found = known ?? (await this.#newPartition(topic, partition));
    const node = this.node(found.leaderId);
    if (node === null) {
      this.forget(topic);
      throw new KafkaError('LEADER_NOT_AVAILABLE', `${topic}-${partition} has no leader now`);
    }
    return { node, epoch: found.leaderEpoch };
  }

  /** Brokers hear of a new partition by and by: they are asked a few times, and not as long as for what will come. */
  async #newPartition(topic: string, partition: number): Promise<PartitionInfo> {
    for (let asked = 1; ; asked++) {
      const info = await this.topic(topic, { fresh: true });
      const found = partitionOf(info, partition);
      if (found !== undefined) return found;
      if (asked === PARTITION_ASKED_MAX) throw new NoSuchPartitionError(info, partition);
      await sleep(this.clock, RETRY_BACKOFF_MS);
    }
  }

  /**
   * What a partition's leader, of this epoch, answers. Throws as {@link leader}, and what `ask` throws; then the topic
   * is looked up anew before it is asked again.
   */
  async askLeader<T>(
    { topic, partition }: TopicPartition,
    ask: (leader: Transport, epoch: number) => Promise<T>,
  ): Promise<T> {
    const { node, epoch } = await this.leader(topic, partition);
    try {
      return await ask(this.to(node), epoch);
    } catch (error) {
      this.forget(topic);
      throw error;
    }
  }

  /** The transport to a node from {@link leader} or {@link coordinator}. */
  to(node: Node): Transport {
    return this.#network.to(node);
  }

  /** All brokers, as they are known. */
  async nodes(): Promise<readonly Node[]> {
    if (this.#stale) await this.describe();
    return this.#nodes;
  }

  /** The broker that takes topic changes; any broker forwards them in a KRaft cluster. */
  async controller(): Promise<Transport> {
    if (this.#stale) await this.#refresh([], false);
    const node = this.node(this.#controllerId) ?? this.#nodes[0];
    return node === undefined ? this.any() : this.to(node);
  }

  /** Forgets the controller, after `NOT_CONTROLLER`. */
  forgetController(): void {
    this.#stale = true;
  }

  /** A broker that answers: the last one that did, else the first that connects. */
  async any(): Promise<Transport> {
    return (
      this.#anyBroker.last ?? this.askAny((broker) => broker.versions(Metadata).then(() => broker))
    );
  }

  /**
   * What the first broker that answers says to a question that any of them can answer. One that is slow is not waited
   * for alone, so it may be answered twice. Throws that broker's refusal; ClientError when none can be asked.
   */
  askAny<T>(question: (broker: Transport) => Promise<T>): Promise<T> {
    return this.#anyBroker.ask(question);
  }

  /** The coordinator of a group. Throws KafkaError, `COORDINATOR_NOT_AVAILABLE` among them. */
  async coordinator(group: string): Promise<Node> {
    const known = this.#coordinators.get(group);
    if (known !== undefined) return known;
    const found = await this.askAny(async (broker) => {
      const range = await broker.versions(FindCoordinator);
      const many = (range?.[1] ?? 0) >= 4;
      const who = many ? { coordinatorKeys: [group] } : { key: group };
      const response = await broker.send(FindCoordinator, who);
      return many ? response.coordinators[0] : response;
    });
    if (found === undefined) {
      throw new KafkaError('COORDINATOR_NOT_AVAILABLE', `no coordinator for group '${group}'`);
    }
    throwIfError(found.errorCode, `coordinator of group '${group}'`, found.errorMessage);
    const node = { id: found.nodeId, host: found.host, port: found.port };
    this.#coordinators.set(group, node);
    return node;
  }

  /** Forgets the coordinator, after `NOT_COORDINATOR` or a lost connection. */
  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group);
  }

  /**
   * Runs `attempt` until it succeeds, fails for good, or time is up; then the last error is thrown. A broker that
   * cannot be reached at all fails at once, as long as none was ever reached.
   */
  async retry<T>(
    attempt: (deadlineMs: number) => Promise<T>,
    mayRetry: (error: unknown) => boolean = () => true,
  ): Promise<T> {
    const { clock } = this;
    const deadlineMs = clock.monotonic() + this.#apiTimeoutMs;
    for (let backoffMs = RETRY_BACKOFF_MS; ; backoffMs *= 2) {
      try {
        return await attempt(deadlineMs);
      } catch (error) {
        if (error instanceof ClientError) this.#doubt();
        const hopeless = error instanceof ClientError && this.#nodes.length === 0;
        if (!isRetriableError(error) || hopeless || !mayRetry(error)) throw error;
        const waitMs = Math.min(backoffMs, RETRY_BACKOFF_MAX_MS) * (0.8 + 0.4 * this.random.next());
        const leftMs = deadlineMs - clock.monotonic();
        if (waitMs >= leftMs) throw error;
        this.#onTrouble?.(error, leftMs);
        await sleep(clock, waitMs);
      }
    }
  }

  /** A broker did not answer as it should: what it did, others may do by now. */
  #doubt(): void {
    this.#anyBroker.last = null;
    this.#stale = true;
    this.#coordinators.clear();
  }

  /**
   * The same cluster over connections of its own, for somebody whose long requests would hold up those of others:
   * brokers answer a connection's requests in order. `onTrouble`: who hears of its trouble instead.
   */
  fork(onTrouble = this.#onTrouble): Cluster {
    return new Cluster({
      network: this.#network.fork(),
      clock: this.clock,
      random: this.random,
      apiTimeoutMs: this.#apiTimeoutMs,
      metadataMaxAgeMs: this.#metadataMaxAgeMs,
      allowAutoTopicCreation: this.#autoCreate,
      ...(onTrouble && { onTrouble }),
      ...(this.#warn && { warn: this.#warn }),
    });
  }

  /** Something failed and is tried again for so long (ms); Infinity: until its owner is closed. */
  hearTrouble(error: unknown, leftMs: number): void {
    this.#onTrouble?.(error, leftMs);
  }

  /** Whether somebody hears of trouble; else {@link warn} is all there is. */
  get isHeard(): boolean {
    return this.#onTrouble !== undefined;
  }

  /** A message for whoever runs the program. */
  warn(message: string): void {
    this.#warn?.(message);
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  async #refresh(names: readonly string[] | null, create: boolean): Promise<MetadataResponse> {
    const topics = names === null ? null : names.map((name) => ({ name }));
    const request = { topics, allowAutoTopicCreation: create };
    const response = await this.askAny((broker) => broker.send(Metadata, request));
    throwIfError(response.errorCode, 'metadata');
    this.#learn(response);
    return response;
  }

  #learn(response: MetadataResponse): void {
    const before = this.#nodes;
    const nodes = response.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }));
    this.#stale = false;
    this.#controllerId = response.controllerId;
    this.#clusterId = response.clusterId;
    const untilMs = this.clock.monotonic() + this.#metadataMaxAgeMs;
    for (const topic of response.topics) {
      if (!isTold(topic) || topic.name === null) continue;
      for (const leader of this.#topics.take(topicInfo(topic), untilMs)) {
        // Who does not know that it leads may not know the broker either.
        const known = before.find((one) => one.id === leader);
        if (known !== undefined && nodes.every((one) => one.id !== leader)) nodes.push(known);
      }
    }
    this.#nodes = nodes;
  }
}

/** Whether trying again may help. */
export function isRetriableError(error: unknown): boolean {
  return (error instanceof KafkaError || error instanceof ClientError) && error.retriable;
}
