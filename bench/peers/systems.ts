// The brokers that the benchmarks measure side by side, by name: what each promises when it acknowledges, and how it is
// had. A name that cannot be had says why.

import { existsSync } from 'node:fs';
import { type BrokerConfig, type PeerBroker, startBroker, tidemarkCommand } from './broker.ts';
import { GIVEN, type GivenPeer } from './given.ts';
import { installKafka, KAFKA_VERSION } from './jars.ts';

/** One broker with one setting, as a column of the results. */
export interface System {
  readonly name: string;
  /** Ours has to do everything, a peer that does not is named as missing. */
  readonly ours: boolean;
  /** The system that it is with another promise when it acknowledges. */
  readonly variantOf?: string;
  /** What rows and suites have in their lists of whom they are for: its name, or GIVEN. */
  readonly listedAs: string;
  readonly title: string;
  /** Settings that differ from its defaults. */
  readonly config: BrokerConfig;
  /** Fetches or finds it. Throws with the reason when it can't be had. */
  prepare(): Promise<void>;
  /** Starts it; on a directory of its own when none is given. */
  start(directory?: string): Promise<PeerBroker>;
}

/** Files of deleted topics go right behind the measurement that wrote them, not a minute later in another one. */
const settings: BrokerConfig = { 'log.segment.delete.delay.ms': '100' };

function ours(
  name: string,
  title: string,
  own: BrokerConfig,
  nodeArguments: readonly string[],
): System {
  const config = { ...settings, ...own };
  return {
    name,
    ours: true,
    listedAs: name,
    title,
    config,
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
    ours: false,
    listedAs: name,
    title,
    config,
    prepare: async () => {
      await installKafka();
    },
    start: (directory) => startBroker({ kind: 'kafka', config, ...at(directory) }),
  };
}

function given(peer: GivenPeer): System {
  return {
    name: peer.name,
    ours: false,
    listedAs: GIVEN,
    title: peer.name,
    config: {},
    prepare: () => Promise.resolve(),
    start: (directory) => startBroker({ kind: 'given', given: peer, ...at(directory) }),
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
    {
      ...ours('tidemark-os', 'Tidemark, --flush os', fast, nodeArguments),
      variantOf: 'tidemark',
    },
  ];
}

/** Others that speak Kafka's protocol: Kafka, which a script installs, and those that were given. */
export function peerSystems(peers: readonly GivenPeer[] = []): System[] {
  const title = `Apache Kafka ${KAFKA_VERSION}`;
  return [
    kafka('kafka', title, {}),
    {
      ...kafka('kafka-sync', `${title}, flush.messages=1`, { 'log.flush.interval.messages': '1' }),
      variantOf: 'kafka',
    },
    ...peers.map(given),
  ];
}
