// What the client suites run on. A suite is a function in suites/ that takes a `Target` and registers tests with
// vitest; `*.test.ts` here runs all suites on the log in process and on Tidemark over TCP, `kafka.long.test.ts` on a
// real Apache Kafka. Write a behaviour once, and it is proven on all:
//
//     export function mySuite(target: Target): void {
//       test('what it does', async () => {
//         await using lab = await target.open();       // its own client
//         const topic = await lab.topic({ partitions: 3 }); // a fresh name, made before the promise resolves
//         const producer = lab.client.producer();
//       });
//     }
//
// `lab.another()` is a second client of the same log. `target.restartable`: `lab.restart()` stops the broker for good
// and brings it back on the same address with the same data.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type PeerBroker, startBroker } from '../../bench/peers/index.ts';
import { type Client, connect, open, type RunningBroker, serve } from '../../src/index.ts';

export interface Lab extends AsyncDisposable {
  readonly client: Client;
  /** Makes a topic and answers its name. */
  topic(options?: TopicWish): Promise<string>;
  /** Another client of the same log; closed with the lab. */
  another(): Promise<Client>;
  /** Only where the target is `restartable`. */
  restart(): Promise<void>;
}

export interface TopicWish {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface Target {
  readonly name: 'in process' | 'tidemark over tcp' | 'apache kafka';
  readonly restartable: boolean;
  open(): Promise<Lab>;
}

let topics = 0;

abstract class OpenLab implements Lab {
  abstract readonly client: Client;
  readonly #others: Client[] = [];

  async topic({ partitions = 1, configs = {} }: TopicWish = {}): Promise<string> {
    topics += 1;
    const name = `topic-${process.pid}-${topics}`;
    await this.client.admin().createTopic({ name, partitions, configs });
    return name;
  }

  async another(): Promise<Client> {
    const client = await this.reach();
    this.#others.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#others.map((client) => client.close()));
    await this.end();
  }

  abstract restart(): Promise<void>;
  /** A client of its own. */
  protected abstract reach(): Promise<Client>;
  protected abstract end(): Promise<void>;
}

/** Tests need no wait for members that never come. */
const CONFIGS = {
  'group.initial.rebalance.delay.ms': 0,
  'group.consumer.min.heartbeat.interval.ms': 50,
  'group.consumer.heartbeat.interval.ms': 50,
};

class InProcessLab extends OpenLab {
  readonly client: Client;

  constructor(client: Client) {
    super();
    this.client = client;
  }

  restart(): Promise<void> {
    throw new Error('this target does not restart');
  }

  /** One log is one client in process: it is shared, and closed with the lab. */
  protected reach(): Promise<Client> {
    const { client } = this;
    return Promise.resolve({
      producer: (options) => client.producer(options),
      consumer: (options) => client.consumer(options),
      admin: () => client.admin(),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  protected end(): Promise<void> {
    return this.client.close();
  }
}

class TcpLab extends OpenLab {
  readonly client: Client;
  readonly #directory: string;
  #broker: RunningBroker;

  constructor(client: Client, broker: RunningBroker, directory: string) {
    super();
    this.client = client;
    this.#broker = broker;
    this.#directory = directory;
  }

  async restart(): Promise<void> {
    const port = this.#broker.addresses[0]?.port ?? 0;
    await this.#broker.close();
    this.#broker = await serve({ dataDir: this.#directory, port, configs: CONFIGS });
  }

  protected reach(): Promise<Client> {
    return connect(this.#broker.bootstrap);
  }

  protected async end(): Promise<void> {
    await this.client.close();
    await this.#broker.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

class KafkaLab extends OpenLab {
  readonly client: Client;
  readonly #bootstrap: string;

  constructor(client: Client, bootstrap: string) {
    super();
    this.client = client;
    this.#bootstrap = bootstrap;
  }

  restart(): Promise<void> {
    throw new Error('this target does not restart');
  }

  protected reach(): Promise<Client> {
    return connect(this.#bootstrap);
  }

  protected end(): Promise<void> {
    return this.client.close();
  }
}

const inProcess: Target = {
  name: 'in process',
  restartable: false,
  open: async () => new InProcessLab(await open({ memory: true }, { configs: CONFIGS })),
};

const tcp: Target = {
  name: 'tidemark over tcp',
  restartable: true,
  open: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-client-'));
    const broker = await serve({ dataDir: directory, port: 0, configs: CONFIGS });
    return new TcpLab(await connect(broker.bootstrap), broker, directory);
  },
};

/** Runs a suite on the log in process, and on Tidemark over TCP. */
export function onTidemark(suite: (target: Target) => void): void {
  for (const target of [inProcess, tcp]) describe(target.name, () => suite(target));
}

/** Runs suites on one Apache Kafka (KRaft, one node), which starts before them and stops after. For long tests. */
export function onKafka(suites: Readonly<Record<string, (target: Target) => void>>): void {
  let broker: PeerBroker | null = null;
  const target: Target = {
    name: 'apache kafka',
    restartable: false,
    open: async () => {
      const bootstrap = broker?.bootstrap ?? '';
      return new KafkaLab(await connect(bootstrap), bootstrap);
    },
  };
  describe('apache kafka', () => {
    beforeAll(async () => {
      broker = await startBroker({ kind: 'kafka', config: kafkaConfigs() });
    }, 180_000);
    afterAll(() => broker?.stop());
    for (const [name, suite] of Object.entries(suites)) describe(name, () => suite(target));
  });
}

function kafkaConfigs(): Record<string, string> {
  return Object.fromEntries(Object.entries(CONFIGS).map(([name, value]) => [name, String(value)]));
}
