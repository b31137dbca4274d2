// The brokers that the benchmarks measure side by side, by name: what each promises when it acknowledges, and how it is
// had. A name that cannot be had says why.

import { existsSync } from 'node:fs';
import { type BrokerConfig, type PeerBroker, startBroker, tidemarkCommand } from './broker.ts';
import { installKafka, KAFKA_VERSION } from './jars.ts';

/** One broker with one setting, as a column of the results. */
export interface System {
  readonly name: string;
  readonly title: string;
  /** Whether an acknowledged record is on the disk. */
  readonly synced: boolean;
  /** Settings that differ from its defaults. */
  readonly config: BrokerConfig;
  /** Fetches or finds it. Throws with the reason when it can't be had. */
  prepare(): Promise<void>;
  /** Starts it; on a directory of its own when none is given. */
  start(directory?: string): Promise<PeerBroker>;
}

/** Files of deleted topics go right behind the measurement that wrote them, not a minute later in another one. */
const settings: BrokerConfig = { 'log.segment.delete.delay.ms': '1000' };

function ours(
  name: string,
  title: string,
  own: BrokerConfig,
  nodeArguments: readonly string[],
): System {
  const config = { ...settings, ...own };
  return {
    name,
    title,
    config,
    synced: config['tidemark.flush.policy'] !== 'os',
    prepare: () =>
      existsSync(tidemarkCommand())
        ? Promise.resolve()
        : Promise.reject(new Error('not built: npm run build')),
    start: (directory) =>
      startBroker({ kind: 'tidemark', metrics: true, config, nodeArguments, ...at(directory) }),
  };
}

function kafka(name: string, title: string, own: BrokerConfig): System {
  const config = { ...settings, ...own };
  return {
    name,
    title,
    config,
    synced: config['log.flush.interval.messages'] === '1',
    prepare: async () => {
      await installKafka();
    },
    start: (directory) => startBroker({ kind: 'kafka', config, ...at(directory) }),
  };
}

function klite(binary: string | undefined): System {
  return {
    name: 'klite',
    title: 'klite',
    config: {},
    synced: true,
    prepare: () => {
      if (binary === undefined) return Promise.reject(new Error('give its binary: --klite PATH'));
      if (!existsSync(binary)) return Promise.reject(new Error(`there is no ${binary}`));
      return Promise.resolve();
    },
    start: (directory) =>
      startBroker({ kind: 'klite', ...(binary === undefined ? {} : { binary }), ...at(directory) }),
  };
}

function at(directory: string | undefined): { readonly directory?: string } {
  return directory === undefined ? {} : { directory };
}

/** Ours, which is always measured. `nodeArguments`: of Node, for profiles. */
export function ourSystems(nodeArguments: readonly string[] = []): System[] {
  const fast = { 'tidemark.flush.policy': 'os' };
  return [
    ours('tidemark', 'Tidemark', {}, nodeArguments),
    ours('tidemark-os', 'Tidemark, --flush os', fast, nodeArguments),
  ];
}

/** Others that speak Kafka's protocol. `binaries`: paths by name, for what no script installs. */
export function peerSystems(binaries: Readonly<Record<string, string | undefined>>): System[] {
  const title = `Apache Kafka ${KAFKA_VERSION}`;
  return [
    kafka('kafka', title, {}),
    kafka('kafka-sync', `${title}, flush.messages=1`, { 'log.flush.interval.messages': '1' }),
    klite(binaries['klite']),
  ];
}
