// startBroker: a Kafka broker for a test, in this process, in milliseconds.

import { anything, type KindsOf, oneOf, text, wrongOption } from '../base/option-kinds.ts';
import type { Logger } from '../base/ports.ts';
import { EmbeddedBroker } from './embedded-broker.ts';
import { TestBrokerError } from './errors.ts';
import { TestBroker } from './test-broker.ts';
import { TestClock } from './test-clock.ts';
import type { TopicSpecs } from './topics.ts';

export interface StartBrokerOptions {
  /** Topics to make: `{ orders: 3 }`, or `{ orders: { partitions: 3, configs: { 'cleanup.policy': 'compact' } } }`. */
  readonly topics?: TopicSpecs;
  /** Keeps the data in this directory, durably. Default: in memory. */
  readonly dir?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default: the loopbacks. */
  readonly host?: string;
  /** The look of several brokers, each with its own port and a share of the partitions. Default 1. */
  readonly brokers?: number;
  /** Broker configs by Kafka's names. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /**
   * `running` (default): the machine's time, which `broker.clock.advance()` moves on. `stopped`: only as it is moved;
   * long polls then end only with records or with time that is moved.
   */
  readonly clock?: 'running' | 'stopped';
  /** Tests a real cluster instead, `host:port`: topics are made there and deleted by `reset()`; faults throw. */
  readonly against?: string | undefined;
  /** Default: says nothing. */
  readonly logger?: Logger;
}

const kinds: KindsOf<StartBrokerOptions> = {
  topics: {
    wanted: 'topics by name, as { orders: 3 }',
    fits: (value) => isObject(value) && !Array.isArray(value),
  },
  dir: text,
  // The broker itself says what a port may be.
  port: anything,
  host: text,
  brokers: { wanted: 'a whole number from 1 to 100', fits: isBrokerCount },
  configs: { wanted: "configs by name, as { 'num.partitions': 3 }", fits: isObject },
  clock: oneOf('running', 'stopped'),
  against: {
    wanted: "the brokers' addresses, host:port",
    fits: (value) => typeof value === 'string',
  },
  logger: { wanted: 'a logger', fits: isObject },
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isBrokerCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100;
}

/**
 * Starts a broker that any Kafka client can use, and that can be made to fail. In memory, on a free port, unless
 * told else. Ends with `await broker.close()` or `await using`; nothing of it keeps the process alive.
 *
 * ```js
 * import { startBroker } from 'tidemark/testing';
 *
 * const broker = await startBroker({ topics: { orders: 3 } });
 * process.env.KAFKA_BROKERS = broker.bootstrap;
 * await broker.produce('orders', [{ key: 'a', value: { total: 1 } }]);
 * await broker.waitFor.records('orders', 1);
 * await broker.close();
 * ```
 *
 * Throws TestBrokerError `invalid_option`, KafkaError for topics and configs, and what opening a broker throws.
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<TestBroker> {
  const wrong = wrongOption('startBroker', options, kinds);
  if (wrong !== null) throw new TestBrokerError('invalid_option', wrong);
  const { topics = {}, against, brokers = 1, dir, port = 0, host, configs = {}, logger } = options;
  if (against !== undefined && against !== '') return startAgainst(against, topics);
  const embedded = await EmbeddedBroker.start({
    dir: dir ?? null,
    port,
    host,
    brokers,
    clock: new TestClock({ mode: options.clock ?? 'running' }),
    configs,
    logger,
    topics,
  });
  return new TestBroker({ kind: 'embedded', broker: embedded });
}

async function startAgainst(bootstrap: string, topics: TopicSpecs): Promise<TestBroker> {
  const { remoteCluster } = await import('../compose/connect.ts');
  const cluster = remoteCluster(bootstrap, { clientId: 'tidemark-testing' });
  const broker = new TestBroker({ kind: 'cluster', bootstrap, cluster });
  try {
    await broker.createTopics(topics);
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}
