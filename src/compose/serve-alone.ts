// A broker that serves others and is no client of itself: what `tidemark serve` and `tidemark/testing` run. It loads
// none of the client, which is a fifth of what a start would read otherwise.

import { BrokerOptionError } from './addresses.ts';
import type { BrokerOptions, PlacedLogOptions, RunningBroker } from './broker-options.ts';
import { type HostedLog, hostLog, type LogSeams } from './host-log.ts';
import { checkListenOptions, type Listening, listen } from './listening.ts';

/** A stop waits this long for requests in flight: container runtimes kill after ten seconds. */
const STOP_GRACE_MS = 5000;

type Known = 'addresses' | 'bootstrap' | 'clusterId' | 'nodeId' | 'metricsAddress';

/** What is known of a broker that serves. */
export interface ServingBroker
  extends Pick<RunningBroker, Known | 'engine' | 'transport' | 'close'> {
  /** The port of `addresses`, then those of `morePorts`, in their order. */
  readonly ports: readonly number[];
}

/** Where a test double reaches in; a broker that serves has the host's parts instead. */
export interface BrokerSeams extends LogSeams {
  /** Further ports to listen on, 0 for any free one: the look of several brokers. */
  readonly morePorts?: readonly number[];
}

/** Throws {@link BrokerOptionError}. */
export function checkPlace(options: PlacedLogOptions): void {
  // From plain JavaScript anything may come, or nothing.
  const given: PlacedLogOptions | undefined = options;
  if ((given?.dataDir === undefined) === (given?.memory !== true)) {
    throw new BrokerOptionError("give either dataDir: './data' or memory: true");
  }
}

/** Loads the groups; until then they say that they are loading. */
export function startGroups({ assembled, logger }: HostedLog): void {
  assembled.broker
    .start()
    .catch((error: unknown) => logger.error({ error }, 'groups could not be loaded'));
}

/** Ends everything in the order that loses nothing: no new peers, then requests, then the data. */
export async function stopAll(hosted: HostedLog, served: readonly Listening[]): Promise<void> {
  await Promise.all(served.map((listening) => listening.close()));
  await hosted.assembled.close(STOP_GRACE_MS);
  hosted.logger.info({}, 'the broker has stopped, its data is marked clean');
}

/** Opens the data and serves it. Resolves and throws as `openBroker` does. */
export async function serveAlone(
  options: BrokerOptions,
  seams: BrokerSeams = {},
): Promise<ServingBroker> {
  checkPlace(options);
  checkListenOptions(options);
  const hosted = await hostLog(options, seams);
  try {
    const listening = await listen(hosted, options, seams.morePorts);
    startGroups(hosted);
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
      close() {
        stopped ??= stopAll(hosted, [listening]);
        return stopped;
      },
    };
  } catch (error) {
    await hosted.assembled.close(0);
    throw error;
  }
}
