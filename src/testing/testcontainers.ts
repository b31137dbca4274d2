// The shape that Testcontainers' Kafka module has, so that a suite moves here by changing an import: no Docker, and
// ready in milliseconds.

import { type StartBrokerOptions, startBroker } from './start-broker.ts';
import type { TestBroker } from './test-broker.ts';

/** As `KafkaContainer`: configure, then start. */
export class KafkaContainer {
  /** What a suite named; there is no image here. */
  readonly image: string | null;
  #options: StartBrokerOptions = {};

  constructor(image?: string) {
    this.image = image ?? null;
  }

  /** `KAFKA_LOG_RETENTION_MS` becomes the broker config `log.retention.ms`; other names are left out. */
  withEnvironment(environment: Readonly<Record<string, string>>): this {
    const configs: Record<string, string> = {};
    for (const [name, value] of Object.entries(environment)) {
      const match = /^KAFKA_(.+)$/.exec(name);
      if (match?.[1] !== undefined) configs[match[1].toLowerCase().replaceAll('_', '.')] = value;
    }
    return this.#with({ configs: { ...this.#options.configs, ...configs } });
  }

  /** Port on this machine; without it any free one. */
  withExposedPorts(port: number | { readonly host: number }): this {
    return typeof port === 'number' ? this : this.#with({ port: port.host });
  }

  withKraft(): this {
    return this;
  }

  withReuse(): this {
    return this;
  }

  async start(): Promise<StartedKafkaContainer> {
    return new StartedKafkaContainer(await startBroker(this.#options));
  }

  #with(options: StartBrokerOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }
}

/** As `StartedKafkaContainer`. */
export class StartedKafkaContainer implements AsyncDisposable {
  /** The broker itself, with its faults, waits and journal. */
  readonly broker: TestBroker;

  constructor(broker: TestBroker) {
    this.broker = broker;
  }

  getBootstrapServers(): string {
    return this.broker.bootstrap;
  }

  getHost(): string {
    return this.broker.bootstrap.replace(/:\d+.*$/, '');
  }

  /** The port on this machine, whatever port of the container is asked for. */
  getMappedPort(_port?: number): number {
    return Number(/:(\d+)/.exec(this.broker.bootstrap)?.[1]);
  }

  getFirstMappedPort(): number {
    return this.getMappedPort();
  }

  stop(): Promise<void> {
    return this.broker.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
