// A broker that listens. What `serve()` and the command line call.

import { ClusterClient } from '../client/index.ts';
import type { BrokerOptions, RunningBroker } from './broker-options.ts';
import { type HostedLog, hostLog } from './host-log.ts';
import { inProcessCluster } from './in-process-cluster.ts';
import { checkListenOptions, type Listening, listen } from './listening.ts';
import { brokerKinds, checkOptions } from './option-kinds.ts';
import { checkPlace, startGroups, stopAll } from './serve-alone.ts';

/**
 * Opens the data and serves it. Resolves when clients can connect; groups load meanwhile and say
 * so. Throws {@link BrokerOptionError}, ListenError when the port cannot be had, KafkaError
 * `INVALID_CONFIG` for a config, TidemarkError `data_directory_unusable` or `data_directory_foreign`,
 * and what opening the data throws (a second process on the same directory is refused). After a
 * throw nothing is left open.
 */
export async function openBroker(options: BrokerOptions): Promise<RunningBroker> {
  checkPlace(options);
  checkOptions('serve', options, brokerKinds);
  checkListenOptions(options);
  const hosted = await hostLog(options, {});
  try {
    const listening = await listen(hosted, options);
    startGroups(hosted);
    return new ServedLog(hosted, listening, (served) => stopAll(hosted, [served]));
  } catch (error) {
    await hosted.assembled.close(0);
    throw error;
  }
}

/** A log as a client of itself. `end` runs once, when what was made as a client is closed. */
export class HostedClient extends ClusterClient {
  readonly #hosted: HostedLog;
  readonly #end: () => Promise<void>;
  #ending: Promise<void> | null = null;

  constructor(hosted: HostedLog, end: () => Promise<void>) {
    super(inProcessCluster(hosted.assembled.broker));
    this.#hosted = hosted;
    this.#end = end;
  }

  get clusterId(): string {
    return this.#hosted.assembled.engine.clusterId;
  }

  get nodeId(): number {
    return this.#hosted.assembled.engine.nodeId;
  }

  get engine(): HostedLog['assembled']['engine'] {
    return this.#hosted.assembled.engine;
  }

  transport(): ReturnType<HostedLog['assembled']['broker']['transport']> {
    return this.#hosted.assembled.broker.transport();
  }

  metricsText(): string {
    return this.#hosted.assembled.broker.metricsText();
  }

  override close(): Promise<void> {
    this.#ending ??= this.#closeAll();
    return this.#ending;
  }

  async #closeAll(): Promise<void> {
    try {
      await super.close();
    } finally {
      await this.#end();
    }
  }
}

/** A log that is served over TCP. */
export class ServedLog extends HostedClient implements RunningBroker {
  readonly addresses: Listening['addresses'];
  readonly bootstrap: string;
  readonly metricsAddress: Listening['metricsAddress'];

  constructor(hosted: HostedLog, listening: Listening, end: (served: Listening) => Promise<void>) {
    super(hosted, () => end(listening));
    this.addresses = listening.addresses;
    this.bootstrap = listening.bootstrap;
    this.metricsAddress = listening.metricsAddress;
  }
}
