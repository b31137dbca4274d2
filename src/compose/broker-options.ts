// What a broker is started with, and what a started one offers.

import type { Logger } from '../base/ports.ts';
import type { Engine } from '../engine/index.ts';
import type { Transport } from '../protocol/index.ts';

export interface BrokerOptions {
  /** Directory of the data; made when missing. Exactly one of `dataDir` and `memory` is given. */
  readonly dataDir?: string;
  /**
   * Takes over a directory that Apache Kafka made: its topics and records become ours. Default: such a
   * directory is refused. Work on a copy: Kafka does not know about what we write.
   */
  readonly adopt?: boolean;
  /** Keeps everything in memory and forgets it at the end. */
  readonly memory?: boolean;
  /** Address to listen on. Default: the loopbacks, 127.0.0.1 and (where there is one) ::1. */
  readonly host?: string;
  /** Default 9092; 0: any free port. */
  readonly port?: number;
  /**
   * `host:port` told to clients instead of the address they connected to. The port may be left out.
   */
  readonly advertise?: string;
  /**
   * `sync` (default): acks=all answers after fdatasync. `os`: after the write, as Kafka does by
   * default.
   */
  readonly flush?: 'sync' | 'os';
  /** Broker configs by Kafka's names, as in server.properties. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Accepts replication factors above 1, with a warning, and reports 1. Default:
   * INVALID_REPLICATION_FACTOR.
   */
  readonly acceptReplicationFactor?: boolean;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /**
   * Serves `/metrics` and `/healthz` over HTTP on this port of the same host; 0: any free port.
   * Default: not at all.
   */
  readonly metricsPort?: number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A broker that is up. */
export interface RunningBroker {
  /** Where it listens; the port is the same on all hosts. */
  readonly addresses: readonly ListenAddress[];
  /** `host:port` for clients on this machine. */
  readonly bootstrap: string;
  /** Address of `/metrics`, when asked for. */
  readonly metricsAddress: ListenAddress | null;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly engine: Engine;
  /** A connection from inside the process: typed requests, no encoding, no socket. */
  transport(): Transport;
  /** Counters in Prometheus's text format. */
  metricsText(): string;
  /**
   * Stops accepting, lets requests in flight finish (bounded), flushes, and marks the data clean.
   * Calling it again waits for the same stop.
   */
  close(): Promise<void>;
}
