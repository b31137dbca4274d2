// A broker that listens and is a client of itself. What `serve()` calls.

import { ClusterClient } from '../client/index.ts';
import type { BrokerOptions, RunningBroker } from './broker-options.ts';
import type { HostedLog } from './host-log.ts';
import { inProcessCluster } from './in-process-cluster.ts';
import type { Listening } from './listening.ts';
import { startServing } from './start-serving.ts';

/**
 * Opens the data and serves it. Resolves when clients can connect; groups load meanwhile and say
 * so. Throws {@link BrokerOptionError}, ListenError when the port cannot be had, KafkaError
 * `INVALID_CONFIG` for a config, TidemarkError `data_directory_unusable` or `data_directory_foreign`,
 * and what opening the data throws (a second process on the same directory is refused). After a
 * throw nothing is left open.
 */
export async function openBroker(options: BrokerOptions): Promise<RunningBroker> {
  const { hosted, listening, stop } = await startServing(options);
  return new ServedLog(hosted, listening, stop);
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

  constructor(hosted: HostedLog, listening: Listening, end: () => Promise<void>) {
    super(hosted, end);
    this.addresses = listening.addresses;
    this.bootstrap = listening.bootstrap;
    this.metricsAddress = listening.metricsAddress;
  }
}
