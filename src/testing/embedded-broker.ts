// The broker inside the test's own process: what it is made of, and how it starts, restarts and is emptied.

import { isTidemarkError } from '../base/errors.ts';
import { sleep } from '../base/pause.ts';
import type { Logger } from '../base/ports.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { InterceptedRequest } from '../broker/index.ts';
import type { Cluster } from '../client/index.ts';
import { type ServingBroker, serveAlone } from '../compose/serve-alone.ts';
import { ElectLeaders, LeaveGroup } from '../protocol/index.ts';
import { TestBrokerError } from './errors.ts';
import { Faults } from './faults.ts';
import { FillableDisk } from './full-disk.ts';
import { ManyBrokers, type TopicLookup } from './many-brokers.ts';
import { RequestJournal } from './request-journal.ts';
import { TestClock } from './test-clock.ts';
import { makeTopicsHere, type TopicSpecs } from './topics.ts';

export interface EmbeddedOptions {
  /** Null: in memory. */
  readonly dir: string | null;
  readonly port: number;
  readonly host: string | undefined;
  readonly brokers: number;
  readonly clock: TestClock;
  readonly configs: Readonly<Record<string, string | number | boolean>>;
  readonly logger: Logger | undefined;
  /** Made at the start and after each reset. */
  readonly topics: TopicSpecs;
}

/** A consumer that joins is not made to wait for others: tests have no time. */
const CONFIGS = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 1,
} as const;
const ELECTION_TIMEOUT_MS = 10_000;
/** Five seconds in all. */
const PORT_ATTEMPTS_MAX = 100;
const PORT_RETRY_MS = 50;

export class EmbeddedBroker {
  readonly clock: TestClock;
  readonly faults: Faults;
  readonly journal = new RequestJournal();
  readonly nodes = new ManyBrokers();
  /** Ids need to differ, not to be secret: `node:crypto` would be loaded for them. */
  readonly #random = new SeededRandom(Math.random() * 2 ** 32);
  readonly #options: EmbeddedOptions;
  readonly #look: TopicLookup = {
    nameOf: (id) => this.#broker?.engine.topicById(id)?.name,
    epochOf: (topic, partition) =>
      this.#broker?.engine.partition(topic, partition)?.leaderEpoch ?? -1,
  };
  #disk: FillableDisk;
  #broker: ServingBroker | null = null;
  #cluster: Promise<Cluster> | null = null;
  #ports: readonly number[];

  private constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.faults = new Faults(options.clock);
    this.#disk = new FillableDisk(() => options.clock.now());
    this.#ports = Array.from({ length: options.brokers }, (_, index) =>
      index === 0 ? options.port : 0,
    );
  }

  /** Throws what opening a broker throws. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker(options);
    await broker.#open();
    try {
      await broker.makeTopics(options.topics);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  get bootstrap(): string {
    const { bootstrap } = this.#running();
    const host = bootstrap.slice(0, bootstrap.lastIndexOf(':'));
    return this.#ports.map((port) => `${host}:${port}`).join(',');
  }

  /** A way in that meets no faults and leaves nothing in the journal. */
  cluster(): Promise<Cluster> {
    this.#running();
    this.#cluster ??= this.#openCluster();
    return this.#cluster;
  }

  /** Throws the first KafkaError. */
  makeTopics(topics: TopicSpecs): Promise<void> {
    return makeTopicsHere(this.#running(), topics);
  }

  setDiskFull(full: boolean): void {
    if (this.#options.dir !== null) {
      throw new TestBrokerError('invalid_option', 'only a broker in memory can have a full disk');
    }
    this.#disk.full = full;
  }

  /** Brings partitions back that stopped after a failed write. */
  async reopenPartitions(): Promise<void> {
    const cluster = await this.cluster();
    const controller = await cluster.controller();
    await controller.send(ElectLeaders, {
      electionType: 0,
      topicPartitions: null,
      timeoutMs: ELECTION_TIMEOUT_MS,
    });
  }

  async removeMember(group: string, memberId: string): Promise<void> {
    const cluster = await this.cluster();
    const coordinator = cluster.to(await cluster.coordinator(group));
    const answer = await coordinator.send(LeaveGroup, { groupId: group, members: [{ memberId }] });
    const code = answer.errorCode || (answer.members[0]?.errorCode ?? 0);
    if (code === 0) return;
    const text = `group '${group}' has no member '${memberId}'`;
    throw new TestBrokerError('invalid_option', text);
  }

  async restart(): Promise<void> {
    await this.#stop();
    await this.#openAgain();
  }

  async reset(): Promise<void> {
    if (this.#options.dir !== null) {
      throw new TestBrokerError('invalid_option', 'only a broker in memory can be reset');
    }
    await this.#stop();
    this.faults.clear();
    this.#disk = new FillableDisk(() => this.clock.now());
    await this.#openAgain();
    await this.makeTopics(this.#options.topics);
  }

  async close(): Promise<void> {
    if (this.#broker !== null) await this.#stop();
    this.clock.stop();
  }

  async #stop(): Promise<void> {
    const broker = this.#running();
    const cluster = await this.#cluster;
    await cluster?.close();
    this.#cluster = null;
    await broker.close();
    this.#broker = null;
  }

  /** At the ports it had: free ones are of the range that clients' connections use, so one may be taken for a while. */
  async #openAgain(): Promise<void> {
    // Its waits are real: the test's clock may stand still.
    const clock = new TestClock();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#open();
      } catch (error) {
        const taken = isTidemarkError(error) && error.code === 'listen_failed';
        if (!taken || attempt === PORT_ATTEMPTS_MAX) throw error;
      }
      await sleep(clock, PORT_RETRY_MS);
    }
  }

  async #open(): Promise<void> {
    const { dir, host, logger, configs } = this.#options;
    const [port = 0, ...morePorts] = this.#ports;
    this.#broker = await serveAlone(
      {
        ...(dir === null ? { memory: true } : { dataDir: dir }),
        ...(host === undefined ? {} : { host }),
        ...(logger === undefined ? {} : { logger }),
        port,
        configs: { ...CONFIGS, ...configs },
      },
      {
        clock: this.clock,
        random: this.#random,
        disk: this.#disk,
        morePorts,
        intercept: (call) => this.#intercept(call),
      },
    );
    this.#ports = this.#broker.ports;
    this.nodes.open(this.#broker.nodeId, this.#ports);
  }

  async #intercept(call: InterceptedRequest): Promise<object | null> {
    const { session } = call.context;
    // What the test asks of its own broker is not what is under test.
    if (session.endpoint === null) return call.proceed();
    if (this.nodes.isDown(session.endpoint.port)) {
      session.disconnect('the test stopped this node');
      return null;
    }
    try {
      return await this.journal.watch(call, this.clock.now(), () =>
        this.nodes.handle(call, this.#look, () => this.faults.handle(call)),
      );
    } catch (error) {
      const refusal = this.nodes.refusal(call, error, this.#look);
      if (refusal === null) throw error;
      return refusal;
    }
  }

  /** The client is loaded by those who need it: most tests bring their own. */
  async #openCluster(): Promise<Cluster> {
    const transport = this.#running().transport();
    const { Cluster, singleNetwork } = await import('../client/index.ts');
    // Its waits are real: the test's clock may stand still.
    return new Cluster({
      network: singleNetwork(transport),
      clock: new TestClock(),
      random: new SeededRandom(1),
    });
  }

  #running(): ServingBroker {
    if (this.#broker === null) {
      throw new TestBrokerError('broker_closed', 'the test broker is closed or restarting');
    }
    return this.#broker;
  }
}
