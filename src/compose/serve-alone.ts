// A broker that serves others and is no client of itself: what `tidemark serve` and `tidemark/testing` run. It loads
// none of the client, which is a fifth of what a start would read otherwise.

import type { Engine } from '../engine/index.ts';
import type { Transport } from '../protocol/index.ts';
import type { BrokerOptions, RunningBroker } from './broker-options.ts';
import { type BrokerSeams, startServing } from './start-serving.ts';

type Known = 'addresses' | 'bootstrap' | 'clusterId' | 'nodeId' | 'metricsAddress';

/** What is known of a broker that serves, and the ways into it from this process. */
export interface ServingBroker extends Pick<RunningBroker, Known | 'metricsText' | 'close'> {
  /** The port of `addresses`, then those of `morePorts`, in their order. */
  readonly ports: readonly number[];
  readonly engine: Engine;
  /** A connection from inside the process: typed requests, no encoding, no socket. */
  transport(): Transport;
}

/** Opens the data and serves it. Resolves and throws as `openBroker` does. */
export async function serveAlone(
  options: BrokerOptions,
  seams: BrokerSeams = {},
): Promise<ServingBroker> {
  const { hosted, listening, stop } = await startServing(options, seams);
  const { addresses, bootstrap, ports, metricsAddress } = listening;
  const { engine, broker } = hosted.assembled;
  const { clusterId, nodeId } = engine;
  let stopped: Promise<void> | null = null;
  return {
    addresses,
    bootstrap,
    ports,
    metricsAddress,
    clusterId,
    nodeId,
    engine,
    transport: () => broker.transport(),
    metricsText: () => broker.metricsText(),
    close() {
      stopped ??= stop();
      return stopped;
    },
  };
}
