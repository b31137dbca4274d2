// What a log is opened and a broker started with, and what they then offer.

import type { Logger } from '../base/ports.ts';
import type { Client } from '../client/index.ts';
import type { ServerTls } from '../host/tcp-server.ts';

/** How a log is kept, whoever reaches it. */
export interface LogOptions {
  /**
   * Takes over a directory that Apache Kafka made: its topics and records become ours. Default: such a
   * directory is refused. Work on a copy: Kafka does not know about what we write.
   */
  readonly adopt?: boolean;
  /**
   * `sync` (default): acks=all answers after fdatasync. `os`: after the write, as Kafka does by
   * default.
   */
  readonly flush?: 'sync' | 'os';
  /** Broker configs by Kafka's names, as in server.properties. Unknown names are refused with `INVALID_CONFIG`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Accepts replication factors above 1, with a warning, and reports 1. Default:
   * INVALID_REPLICATION_FACTOR.
   */
  readonly acceptReplicationFactor?: boolean;
  /** Default: says nothing. */
  readonly logger?: Logger;
}

/** Where a log is kept. */
export interface PlacedLogOptions extends LogOptions {
  /** Directory of the data; made when missing. Exactly one of `dataDir` and `memory` is given. */
  readonly dataDir?: string;
  /** Keeps everything in memory and forgets it at the end. */
  readonly memory?: boolean;
}

/** How a broker is reached over TCP. */
export interface ListenOptions {
  /** Address to listen on. Default: the loopbacks, 127.0.0.1 and (where there is one) ::1. */
  readonly host?: string;
  /** Default 9092; 0: any free port. */
  readonly port?: number;
  /**
   * `host:port` told to clients instead of the address they connected to. The port may be left out.
   */
  readonly advertise?: string;
  /** Speaks TLS on this port (PEM texts); `clientCa`: lets in only clients with a certificate of these authorities. */
  readonly tls?: ServerTls;
  /**
   * Serves `/metrics` and `/healthz` over HTTP on this port of the same host; 0: any free port.
   * Default: not at all.
   */
  readonly metricsPort?: number;
}

export interface BrokerOptions extends PlacedLogOptions, ListenOptions {}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A log that is open in this process. */
export interface OpenLog extends Client {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Counters in Prometheus's text format. */
  metricsText(): string;
}

/** What `open()` gives: the log of one directory, used in process, and served to others if wanted. */
export interface Log extends OpenLog {
  /**
   * Lets Kafka clients in over TCP as well; they and this process see one log. Closing the result ends the listening
   * only. Throws {@link BrokerOptionError}, ListenError.
   */
  serve(options?: ListenOptions): Promise<RunningBroker>;
}

/** A broker that is up. As a {@link Client} it reaches its own log in process. */
export interface RunningBroker extends OpenLog {
  /** Where it listens; the port is the same on all hosts. */
  readonly addresses: readonly ListenAddress[];
  /** `host:port` for clients on this machine. */
  readonly bootstrap: string;
  /** Address of `/metrics`, when asked for. */
  readonly metricsAddress: ListenAddress | null;
  /**
   * Closes what was made here as a client, stops accepting, lets requests in flight finish (bounded), flushes, and
   * marks the data clean. Calling it again waits for the same stop.
   */
  close(): Promise<void>;
}
