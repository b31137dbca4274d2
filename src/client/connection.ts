// One connection to one broker: requests are written as they come and answered in order (the protocol's rule), so
// any number may be under way. A request that is not answered in time ends the connection, since its answer would
// stand before all later ones.

import { ErrorCode } from '../base/kafka-errors.ts';
import type { CancelTimer, Clock } from '../base/ports.ts';
import {
  type Api,
  ApiVersions,
  type Chunk,
  decodeResponse,
  encodeRequest,
  type Fields,
  Produce,
  peekCorrelationId,
  type RequestInput,
  type ResponseMemory,
  type ResponseOf,
  type VersionRange,
} from '../protocol/index.ts';
import { type BrokerAddress, formatAddress } from './address.ts';
import type { ByteStream, Connector } from './byte-stream.ts';
import { connectFailed, refusedAtOnce } from './connect-errors.ts';
import { ClientError } from './errors.ts';
import { FrameAssembler } from './frame-assembler.ts';

export interface ConnectionOptions {
  readonly address: BrokerAddress;
  readonly clientId: string;
  readonly connector: Connector;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** Longest answer that is taken; a broker that announces more is not believed. */
  readonly responseBytesMax: number;
}

/** Name and version that ApiVersions tells the broker (KIP-511). */
const SOFTWARE = { clientSoftwareName: 'tidemark', clientSoftwareVersion: '0.1.0' } as const;

interface Pending {
  readonly correlationId: number;
  readonly name: string;
  readonly decode: (frame: Buffer) => unknown;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timeoutMs: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly memory: ResponseMemory | null;
}

/** Any API and version: the types of the message do not matter to the bookkeeping. */
export interface CallOptions {
  readonly version: number;
  readonly timeoutMs: number;
  readonly memory?: ResponseMemory | undefined;
}

export class Connection {
  readonly address: BrokerAddress;
  readonly #options: ConnectionOptions;
  readonly #frames: FrameAssembler;
  /** In the order they were sent. */
  #pending: Pending[] = [];
  readonly #versions = new Map<number, VersionRange>();
  #stream: ByteStream | null = null;
  #nextCorrelationId = 0;
  #answeredId = -1;
  /** One timer for all requests: it is left alone when an answer comes, and looks again when it fires. */
  #cancelTimer: CancelTimer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  #failure: Error | null = null;
  #onClose: (() => void) | null = null;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.address = options.address;
    this.#frames = new FrameAssembler({
      lengthMax: options.responseBytesMax,
      onFrame: (frame) => this.#onFrame(frame),
      memoryFor: (length) => this.#memoryFor(length),
    });
  }

  /**
   * Connects and learns the broker's versions. Throws {@link ClientError} `cannot_connect`, `bad_response`,
   * `request_timed_out`.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    const { address, connector, connectTimeoutMs } = options;
    try {
      connection.#stream = await connector.connect(
        { ...address, timeoutMs: connectTimeoutMs },
        {
          onData: (chunk) => connection.#take(() => connection.#frames.push(chunk)),
          readBuffer: () => connection.#frames.readBuffer(),
          onRead: (length) => connection.#take(() => connection.#frames.advance(length)),
          onClose: (cause) => connection.#closed(cause),
        },
      );
    } catch (cause) {
      throw connectFailed(address, cause, connector.secure === true);
    }
    try {
      await connection.#negotiate();
    } catch (cause) {
      connection.destroy();
      throw refusedAtOnce(address, cause, connector.secure === true);
    }
    return connection;
  }

  get isOpen(): boolean {
    return this.#failure === null;
  }

  /** Requests that wait for an answer. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Calls `listener` once, when the connection is gone. */
  onClose(listener: () => void): void {
    if (this.#failure === null) this.#onClose = listener;
    else listener();
  }

  /** What the broker announced for an API, or null. */
  announced(apiKey: number): VersionRange | null {
    return this.#versions.get(apiKey) ?? null;
  }

  /**
   * Sends one request in one version. Resolves with the response; a Produce with acks 0 has none and resolves with the
   * empty one. Throws {@link ClientError} `connection_lost`, `request_timed_out`, `bad_response` and `ProtocolError`
   * for a request that the version cannot carry.
   */
  call<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options: CallOptions,
  ): Promise<ResponseOf<Api<Request, Response>>> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { version } = options;
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) | 0;
    const identity = { correlationId, clientId: this.#options.clientId };
    let chunks: Chunk[];
    try {
      chunks = encodeRequest(api, version, identity, request);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (isUnanswered(api, request)) return this.#handOver(api, chunks);
    const reply = this.#expect(api, correlationId, options);
    this.#write(chunks);
    return reply;
  }

  /** Cuts the connection; what is under way rejects with `closed`. */
  destroy(): void {
    this.#fail(new ClientError('closed', `the connection to ${this.#name()} was closed`));
  }

  #write(chunks: readonly Chunk[]): void {
    this.#stream?.write(chunks.filter((chunk) => Buffer.isBuffer(chunk)));
  }

  /** A request that nobody answers. */
  async #handOver<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    chunks: readonly Chunk[],
  ): Promise<ResponseOf<Api<Request, Response>>> {
    this.#write(chunks);
    await this.#stream?.drained();
    return api.response.complete({ responses: [] } as never) as ResponseOf<Api<Request, Response>>;
  }

  #expect<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    correlationId: number,
    options: CallOptions,
  ): Promise<ResponseOf<Api<Request, Response>>> {
    const { version, timeoutMs, memory = null } = options;
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#options.clock.monotonic() + timeoutMs;
      this.#pending.push({
        correlationId,
        name: api.name,
        decode: (frame) =>
          api.key === ApiVersions.key
            ? decodeApiVersions(version, frame)
            : decodeResponse(api, version, frame),
        resolve: (response) => resolve(response as ResponseOf<Api<Request, Response>>),
        reject,
        timeoutMs,
        deadlineMs,
        memory,
      });
      if (deadlineMs < this.#timerMs) this.#watch(deadlineMs, timeoutMs);
    });
  }

  /** Looks at the deadlines after `delayMs`, at `atMs`. */
  #watch(atMs: number, delayMs: number): void {
    this.#cancelTimer?.();
    this.#timerMs = atMs;
    this.#cancelTimer = this.#options.clock.setTimer(delayMs, () => {
      this.#cancelTimer = null;
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.#lookAtDeadlines();
    });
  }

  #lookAtDeadlines(): void {
    let next: Pending | null = null;
    for (const one of this.#pending) {
      if (next === null || one.deadlineMs < next.deadlineMs) next = one;
    }
    if (next === null) return;
    const restMs = next.deadlineMs - this.#options.clock.monotonic();
    if (restMs > 0) this.#watch(next.deadlineMs, restMs);
    else this.#timedOut(next);
  }

  #timedOut({ name, timeoutMs }: Pending): void {
    this.#fail(
      new ClientError(
        'request_timed_out',
        `${this.#name()} did not answer ${name} within ${timeoutMs} ms; whether it was carried out is unknown`,
      ),
    );
  }

  /** KIP-511: the newest version first; a broker that does not know it answers in version 0 with its own range. */
  async #negotiate(): Promise<void> {
    const timeoutMs = this.#options.connectTimeoutMs;
    let version = ApiVersions.versions[1];
    let response = await this.call(ApiVersions, SOFTWARE, { version, timeoutMs });
    if (response.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      const theirs = response.apiKeys.find((one) => one.apiKey === ApiVersions.key);
      version = Math.min(theirs?.maxVersion ?? 0, version);
      response = await this.call(ApiVersions, SOFTWARE, { version, timeoutMs });
    }
    if (response.errorCode !== ErrorCode.NONE) {
      throw new ClientError(
        'bad_response',
        `${this.#name()} refused ApiVersions with error ${response.errorCode}`,
      );
    }
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      this.#versions.set(apiKey, [minVersion, maxVersion]);
    }
  }

  #take(bytes: () => void): void {
    if (this.#failure !== null) return;
    try {
      bytes();
    } catch (cause) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      const message = `${this.#name()} does not speak the Kafka protocol${why}`;
      this.#fail(new ClientError('bad_response', message, { cause }));
    }
  }

  /** Answers come in the order of their requests. */
  #memoryFor(length: number): Buffer | null {
    return this.#pending[0]?.memory?.take(length) ?? null;
  }

  #onFrame(frame: Buffer): void {
    const correlationId = peekCorrelationId(frame);
    // An answer that came before: nobody waits for it any more.
    if (correlationId === this.#answeredId) return;
    const oldest = this.#pending[0];
    if (oldest === undefined || oldest.correlationId !== correlationId) {
      const expected = oldest === undefined ? 'none' : String(oldest.correlationId);
      throw new ClientError('bad_response', `answer ${correlationId} came, expected ${expected}`);
    }
    this.#answeredId = correlationId;
    this.#pending.shift();
    let response: unknown;
    try {
      response = oldest.decode(frame);
    } catch (cause) {
      const message = `the answer of ${this.#name()} to ${oldest.name} cannot be read`;
      oldest.reject(new ClientError('bad_response', message, { cause }));
      throw cause;
    }
    oldest.resolve(response);
  }

  #closed(cause: Error | null): void {
    const count = this.#pending.length;
    const lost = count === 0 ? '' : `; ${count} request${count === 1 ? '' : 's'} had no answer yet`;
    this.#fail(
      new ClientError('connection_lost', `the connection to ${this.#name()} ended${lost}`, {
        cause,
      }),
    );
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#stream?.destroy();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) reject(error);
    this.#onClose?.();
  }

  #name(): string {
    return formatAddress(this.address);
  }
}

/** A refused version comes back in version 0, whatever was asked. */
function decodeApiVersions(version: number, frame: Buffer): unknown {
  const refused = frame.length >= 6 && frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION;
  return decodeResponse(ApiVersions, refused ? 0 : version, frame);
}

function isUnanswered(api: Api, request: unknown): boolean {
  return api.key === Produce.key && (request as { acks: number }).acks === 0;
}
