// The Transport over TCP: ways to one broker, opened when needed and again when lost, with back-off in between.
//
// A broker answers a connection's requests in order, so a fetch that waits for records would hold up everything behind
// it. Requests that may wait long therefore have connections of their own ("lanes").

import { sleep } from '../base/pause.ts';
import type { Clock, Random } from '../base/ports.ts';
import {
  type Api,
  Fetch,
  type Fields,
  JoinGroup,
  type RequestInput,
  type ResponseOf,
  type SendOptions,
  SyncGroup,
  type Transport,
  type VersionRange,
} from '../protocol/index.ts';
import { type BrokerAddress, formatAddress } from './address.ts';
import type { Connector } from './byte-stream.ts';
import { Connection } from './connection.ts';
import { ClientError } from './errors.ts';

/** How the client talks to brokers; all times in milliseconds. */
export interface TcpOptions {
  readonly clientId: string;
  readonly connector: Connector;
  readonly clock: Clock;
  readonly random: Random;
  /** Kafka's `socket.connection.setup.timeout.ms`. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Kafka's `request.timeout.ms`. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Kafka's `reconnect.backoff.ms`. Default 50. */
  readonly reconnectBackoffMs?: number;
  /** Kafka's `reconnect.backoff.max.ms`. Default 1000. */
  readonly reconnectBackoffMaxMs?: number;
  /** Default 512 MiB. */
  readonly responseBytesMax?: number;
}

const DEFAULTS = {
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  reconnectBackoffMs: 50,
  reconnectBackoffMaxMs: 1_000,
  responseBytesMax: 512 * 1024 * 1024,
};

type Settings = TcpOptions & typeof DEFAULTS;
type LaneName = 'main' | 'fetch' | 'group';

const laneByApi: ReadonlyMap<number, LaneName> = new Map([
  [Fetch.key, 'fetch'],
  [JoinGroup.key, 'group'],
  [SyncGroup.key, 'group'],
]);

function laneOf(api: Api, request: object): LaneName {
  // What only ends a session waits for nothing, and should not wait behind what does.
  return api.key === Fetch.key && isEndOfSession(request as RequestInput<typeof Fetch>)
    ? 'main'
    : (laneByApi.get(api.key) ?? 'main');
}

function isEndOfSession({ sessionEpoch, topics }: RequestInput<typeof Fetch>): boolean {
  return sessionEpoch === -1 && topics?.length === 0;
}

/** A connection that is re-opened on demand. Failures in a row push the next attempt back. */
class Lane {
  readonly #options: Settings;
  readonly #address: BrokerAddress;
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #failures = 0;
  #notBeforeMs = 0;
  #closed = false;
  /** Rejects those who wait for a connection when it is closed. */
  #refuse: ((error: ClientError) => void) | null = null;

  constructor(address: BrokerAddress, options: Settings) {
    this.#address = address;
    this.#options = options;
  }

  /** The connection, when there is one. */
  get open(): Connection | null {
    return this.#connection?.isOpen === true ? this.#connection : null;
  }

  async connection(): Promise<Connection> {
    if (this.#closed) throw closedError(this.#address);
    if (this.#connection?.isOpen === true) return this.#connection;
    this.#opening ??= this.#openUnlessClosed().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  close(): void {
    this.#closed = true;
    this.#refuse?.(closedError(this.#address));
    this.#connection?.destroy();
  }

  #openUnlessClosed(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      this.#open().then(resolve, reject);
    });
  }

  async #open(): Promise<Connection> {
    const { clock, random, reconnectBackoffMs, reconnectBackoffMaxMs } = this.#options;
    const waitMs = this.#notBeforeMs - clock.monotonic();
    if (waitMs > 0) await sleep(clock, waitMs);
    if (this.#closed) throw closedError(this.#address);
    try {
      const connection = await Connection.open({ ...this.#options, address: this.#address });
      if (this.#closed) {
        connection.destroy();
        throw closedError(this.#address);
      }
      this.#failures = 0;
      this.#connection = connection;
      connection.onClose(() => {
        if (this.#connection === connection) this.#connection = null;
      });
      return connection;
    } catch (error) {
      const backoffMs = Math.min(reconnectBackoffMs * 2 ** this.#failures, reconnectBackoffMaxMs);
      this.#failures += 1;
      // A fifth of jitter, as Kafka's clients have, so that many clients do not come back at once.
      this.#notBeforeMs = clock.monotonic() + backoffMs * (0.8 + 0.4 * random.next());
      throw error;
    }
  }
}

function closedError(address: BrokerAddress): ClientError {
  return new ClientError('closed', `the client of ${formatAddress(address)} is closed`);
}

/** A way to the broker at one address. */
export class TcpTransport implements Transport {
  readonly address: BrokerAddress;
  readonly #options: Settings;
  readonly #lanes = new Map<LaneName, Lane>();
  #closed = false;

  constructor(address: BrokerAddress, options: TcpOptions) {
    this.address = address;
    this.#options = { ...DEFAULTS, ...options };
  }

  async send<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options: SendOptions = {},
  ): Promise<ResponseOf<Api<Request, Response>>> {
    options.signal?.throwIfAborted();
    const lane = this.#lane(laneOf(api as Api, request));
    const connection = lane.open ?? (await lane.connection());
    const version = options.version ?? newest(connection, api);
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs;
    const { memory } = options;
    const reply = connection.call(api, request, { version, timeoutMs, memory });
    return options.signal === undefined ? reply : abandonOn(options.signal, reply);
  }

  async versions(api: Api): Promise<VersionRange | null> {
    return common(await this.#lane('main').connection(), api);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.#lanes.values()) lane.close();
    return Promise.resolve();
  }

  #lane(name: LaneName): Lane {
    if (this.#closed) throw closedError(this.address);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = new Lane(this.address, this.#options);
      this.#lanes.set(name, lane);
    }
    return lane;
  }
}

function common(connection: Connection, api: Api): VersionRange | null {
  const theirs = connection.announced(api.key);
  if (theirs === null) return null;
  const lowest = Math.max(theirs[0], api.versions[0]);
  const highest = Math.min(theirs[1], api.versions[1]);
  return lowest <= highest ? [lowest, highest] : null;
}

function newest(connection: Connection, api: Api): number {
  const range = common(connection, api);
  if (range !== null) return range[1];
  const theirs = connection.announced(api.key);
  const why =
    theirs === null
      ? `does not offer ${api.name}`
      : `offers ${api.name} ${theirs.join(' to ')}, this client speaks ${api.versions.join(' to ')}`;
  throw new ClientError('unsupported_api', `${formatAddress(connection.address)} ${why}`);
}

/** The reply, unless the signal comes first; then the request may still be carried out. */
function abandonOn<T>(signal: AbortSignal, reply: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      reply.catch(() => {});
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    reply.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
