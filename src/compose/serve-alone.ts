// A broker that serves others and is no client of itself: what `tidemark serve` runs. It loads none of the client,
// which is a fifth of the modules that a start would read otherwise.

import { BrokerOptionError } from './addresses.ts';
import type { BrokerOptions, PlacedLogOptions, RunningBroker } from './broker-options.ts';
import { type HostedLog, hostLog } from './host-log.ts';
import { checkListenOptions, type Listening, listen } from './listening.ts';

/** A stop waits this long for requests in flight: container runtimes kill after ten seconds. */
const STOP_GRACE_MS = 5000;

/** What is known of a broker that serves. */
export type ServingBroker = Pick<
  RunningBroker,
  'addresses' | 'bootstrap' | 'clusterId' | 'nodeId' | 'metricsAddress' | 'close'
>;

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
export async function serveAlone(options: BrokerOptions): Promise<ServingBroker> {
  checkPlace(options);
  checkListenOptions(options);
  const hosted = await hostLog(options, {});
  try {
    const listening = await listen(hosted, options);
    startGroups(hosted);
    const { addresses, bootstrap, metricsAddress } = listening;
    const { clusterId, nodeId } = hosted.assembled.engine;
    let stopped: Promise<void> | null = null;
    return {
      addresses,
      bootstrap,
      metricsAddress,
      clusterId,
      nodeId,
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
