// The start of a broker that others reach: the same for `serve()` (open-broker.ts) and for what is no client of itself
// (serve-alone.ts).

import { BrokerOptionError } from './addresses.ts';
import type { BrokerOptions, PlacedLogOptions } from './broker-options.ts';
import { type HostedLog, hostLog, type LogSeams, startGroups, stopHosted } from './host-log.ts';
import { checkListenOptions, type Listening, listen } from './listening.ts';
import { brokerKinds, checkOptions } from './option-kinds.ts';

/** Where a test double reaches in; a broker that serves has the host's parts instead. */
export interface BrokerSeams extends LogSeams {
  /** Further ports to listen on, 0 for any free one: the look of several brokers. */
  readonly morePorts?: readonly number[];
}

/** A broker that clients can connect to. */
export interface Serving {
  readonly hosted: HostedLog;
  readonly listening: Listening;
  /** Ends everything in the order that loses nothing: no new peers, then requests, then the data. To be called once. */
  stop(): Promise<void>;
}

/** Opens the data and serves it. Resolves and throws as `openBroker` does. */
export async function startServing(
  options: BrokerOptions,
  seams: BrokerSeams = {},
): Promise<Serving> {
  checkPlace(options);
  checkOptions('serve', options, brokerKinds);
  checkListenOptions(options);
  const hosted = await hostLog(options, seams);
  try {
    const listening = await listen(hosted, options, seams.morePorts);
    startGroups(hosted);
    const stop = async (): Promise<void> => {
      await listening.close();
      await stopHosted(hosted);
    };
    return { hosted, listening, stop };
  } catch (error) {
    await hosted.assembled.close(0);
    throw error;
  }
}

/** Throws {@link BrokerOptionError}. */
function checkPlace(options: PlacedLogOptions): void {
  // From plain JavaScript anything may come, or nothing.
  const given: PlacedLogOptions | undefined = options;
  if ((given?.dataDir === undefined) === (given?.memory !== true)) {
    throw new BrokerOptionError("give either dataDir: './data' or memory: true");
  }
}
