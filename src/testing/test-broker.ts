// The broker under test: a real one in this process, or a cluster elsewhere, with what tests want to do to it.

import type { KafkaErrorName } from '../base/kafka-errors.ts';
import type { Cluster } from '../client/index.ts';
import type { ApiName } from '../protocol/index.ts';
import type { EmbeddedBroker } from './embedded-broker.ts';
import { TestBrokerError } from './errors.ts';
import type { Fault, FaultScope } from './faults.ts';
import { readRecords, type TestRecord, type TestRecordInput, writeRecords } from './records.ts';
import { type ReceivedRequest, RequestJournal } from './request-journal.ts';
import { millisecondsOf, TestClock } from './test-clock.ts';
import { makeTopicsOn, type TopicSpecs } from './topics.ts';
import { WaitFor, type WaitOptions } from './wait-for.ts';

const PRODUCE_TIMEOUT_MS = 5_000;

/** Where the broker under test is. */
export type Target =
  | { readonly kind: 'embedded'; readonly broker: EmbeddedBroker }
  | { readonly kind: 'cluster'; readonly bootstrap: string; readonly cluster: Cluster };

/** A Kafka broker for one test or one test file. See `startBroker`. */
export class TestBroker implements AsyncDisposable {
  /** Waits that end as soon as what they wait for is there. */
  readonly waitFor: WaitFor;
  readonly #target: Target;
  readonly #journal: RequestJournal;
  readonly #made = new Set<string>();
  #closed: Promise<void> | undefined;

  constructor(target: Target) {
    this.#target = target;
    this.#journal = target.kind === 'embedded' ? target.broker.journal : new RequestJournal();
    this.waitFor = new WaitFor({
      clock: new TestClock(),
      journal: this.#journal,
      cluster: () => this.#cluster(),
    });
  }

  /** `host:port` for clients; several with commas between when several brokers were asked for. */
  get bootstrap(): string {
    const target = this.#target;
    return target.kind === 'embedded' ? target.broker.bootstrap : target.bootstrap;
  }

  /** The broker's time; `await broker.clock.advance('5m')` lets session timeouts and retention pass. */
  get clock(): TestClock {
    return this.#embedded('a clock of its own').clock;
  }

  /** What clients asked over TCP, oldest first; the last 10,000. */
  get requests(): readonly ReceivedRequest[] {
    return this.#journal.entries;
  }

  /** Makes topics. Throws the first KafkaError. */
  async createTopics(topics: TopicSpecs): Promise<void> {
    this.#checkOpen();
    const target = this.#target;
    if (target.kind === 'embedded') await target.broker.makeTopics(topics);
    else await makeTopicsOn(target.cluster, topics);
    for (const name of Object.keys(topics)) this.#made.add(name);
  }

  /**
   * Writes records with acks=all, and answers where each one is. Failures that may pass are tried again for
   * `timeoutMs` (default 5,000). Throws the KafkaError of the first record that was not taken.
   */
  async produce(
    topic: string,
    records: readonly TestRecordInput[],
    options: WaitOptions = {},
  ): Promise<{ readonly partition: number; readonly offset: number }[]> {
    const { timeoutMs = PRODUCE_TIMEOUT_MS } = options;
    return writeRecords(await this.#cluster(), topic, records, timeoutMs);
  }

  /** All records of a topic, or of one partition, by partition and offset. */
  async records(topic: string, partition?: number): Promise<TestRecord[]> {
    return readRecords(await this.#cluster(), topic, partition);
  }

  /** The next `times` (default 1) requests of this API fail with Kafka's error. Answers how to take it back. */
  fail(
    api: ApiName,
    fault: FaultScope & { readonly error: KafkaErrorName; readonly message?: string },
  ): () => void {
    const { error, message, ...scope } = fault;
    return this.#fault(api, { kind: 'fail', error, ...(message && { message }) }, scope);
  }

  /** The next requests of this API are handled after so long by the broker's clock: ms, or words such as `2s`. */
  delay(api: ApiName, duration: number | string, scope?: FaultScope): () => void {
    return this.#fault(api, { kind: 'delay', ms: millisecondsOf(duration) }, scope);
  }

  /** The next requests of this API are carried out, but their connection ends without an answer. */
  loseReply(api: ApiName, scope?: FaultScope): () => void {
    return this.#fault(api, { kind: 'lose reply' }, scope);
  }

  /** The next requests of this API end their connection, and nothing is done. */
  disconnect(api: ApiName, scope?: FaultScope): () => void {
    return this.#fault(api, { kind: 'disconnect' }, scope);
  }

  /** Every member of the group is told at its next heartbeat to join again. */
  async rebalance(group: string): Promise<void> {
    const { describeGroup } = await import('../client/index.ts');
    const { members } = await describeGroup(await this.#cluster(), group);
    for (const { memberId } of members) {
      this.#fault(
        'Heartbeat',
        { kind: 'fail', error: 'REBALANCE_IN_PROGRESS' },
        { when: (request) => (request as { memberId?: string }).memberId === memberId },
      );
    }
  }

  /** The group forgets the member, as after a missed session timeout. Throws when it has no such member. */
  async expireSession(group: string, memberId: string): Promise<void> {
    await this.#embedded('to expire a session').removeMember(group, memberId);
  }

  /** Another node leads the partition from now on. Needs `brokers` above 1. */
  moveLeader(topic: string, partition: number, node: number): void {
    this.#embedded('to move leaders').nodes.moveLeader(topic, partition, node);
  }

  /** A node is away: its connections end, others lead its partitions. Needs `brokers` above 1. */
  stopNode(node: number): void {
    this.#embedded('to stop nodes').nodes.setDown(node, true);
  }

  /** The node is back. */
  startNode(node: number): void {
    this.#embedded('to start nodes').nodes.setDown(node, false);
  }

  /** Writes fail from now on as on a full disk. Memory only. */
  fillDisk(): void {
    this.#embedded('to fill its disk').setDiskFull(true);
  }

  /** There is room again, and partitions that stopped are brought back. */
  async freeDisk(): Promise<void> {
    const broker = this.#embedded('to free its disk');
    broker.setDiskFull(false);
    await broker.reopenPartitions();
  }

  /** Stops and starts again at the same address, with what was written. */
  restart(): Promise<void> {
    return this.#embedded('to restart').restart();
  }

  /**
   * Records, groups, faults and the journal go: as if just started, at the same address, with the topics it was
   * started with. On a cluster given with `against`, the topics made here are deleted.
   */
  async reset(): Promise<void> {
    const target = this.#target;
    if (target.kind === 'embedded') {
      await target.broker.reset();
    } else {
      const { deleteTopics } = await import('../client/index.ts');
      const outcomes = await deleteTopics(target.cluster, [...this.#made]);
      for (const { error } of outcomes) if (error !== null) throw error;
    }
    this.#made.clear();
    this.#journal.clear();
  }

  /** Ends it. Calling it again waits for the same end. */
  close(): Promise<void> {
    const target = this.#target;
    this.#closed ??= target.kind === 'embedded' ? target.broker.close() : target.cluster.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return;
    throw new TestBrokerError('broker_closed', 'the test broker is closed');
  }

  async #cluster(): Promise<Cluster> {
    this.#checkOpen();
    return this.#target.kind === 'embedded' ? this.#target.broker.cluster() : this.#target.cluster;
  }

  #fault(api: ApiName, fault: Fault, scope?: FaultScope): () => void {
    return this.#embedded('to be made to fail').faults.add(api, fault, scope);
  }

  #embedded(what: string): EmbeddedBroker {
    if (this.#target.kind === 'embedded') return this.#target.broker;
    throw new TestBrokerError(
      'not_embedded',
      `a cluster given with "against" cannot be asked ${what}: leave this test out there`,
    );
  }
}
