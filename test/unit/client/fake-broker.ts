// A broker made of a function, behind the client's Connector port: frames are real, sockets are not.

import type { ByteStream, ByteStreamHandler, Connector } from '../../../src/client/index.ts';
import {
  type Api,
  ApiVersions,
  apiByKey,
  apis,
  decodeRequest,
  encodeResponse,
  FrameSplitter,
  parseRequest,
} from '../../../src/protocol/index.ts';

export interface FakeRequest {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly body: Record<string, unknown>;
  readonly connection: FakeConnection;
}

/** A response body, or nothing when the broker stays silent. */
export type Answer = (request: FakeRequest) => object | undefined | Promise<object | undefined>;

export class FakeConnection implements ByteStream {
  readonly target: { host: string; port: number };
  readonly #handler: ByteStreamHandler;
  readonly #onBytes: (connection: FakeConnection, bytes: Buffer) => void;
  closed = false;

  constructor(
    target: { host: string; port: number },
    handler: ByteStreamHandler,
    onBytes: (connection: FakeConnection, bytes: Buffer) => void,
  ) {
    this.target = target;
    this.#handler = handler;
    this.#onBytes = onBytes;
  }

  write(chunks: readonly Uint8Array[]): void {
    if (!this.closed) this.#onBytes(this, Buffer.concat(chunks));
  }

  pendingBytes(): number {
    return 0;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {
    this.hangUp(null);
  }

  /** Sends bytes to the client, cut after each `step` bytes. */
  push(bytes: Buffer, step = bytes.length): void {
    for (let at = 0; at < bytes.length && !this.closed; at += step) {
      this.#handler.onData(bytes.subarray(at, at + step));
    }
  }

  /** Ends the connection from the broker's side. */
  hangUp(cause: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.#handler.onClose(cause));
  }
}

export class FakeBroker implements Connector {
  readonly requests: FakeRequest[] = [];
  readonly connections: FakeConnection[] = [];
  /** What the broker announces: by default all that we have. */
  announced: { apiKey: number; minVersion: number; maxVersion: number }[];
  /** Refuses connections while set. */
  refuse: NodeJS.ErrnoException | null = null;
  /** Newest ApiVersions that the broker knows. */
  apiVersionsMax = 4;
  /** Bytes in which answers arrive. */
  step = Number.POSITIVE_INFINITY;
  answer: Answer;
  attempts = 0;

  constructor(answer: Answer = () => undefined) {
    this.answer = answer;
    this.announced = Object.values(apis).map((api) => ({
      apiKey: api.key,
      minVersion: api.versions[0],
      maxVersion: api.versions[1],
    }));
  }

  /** Requests of one API, in order. */
  of(api: Api): FakeRequest[] {
    return this.requests.filter((request) => request.api.key === api.key);
  }

  connect(target: { host: string; port: number }, handler: ByteStreamHandler): Promise<ByteStream> {
    this.attempts += 1;
    if (this.refuse !== null) return Promise.reject(this.refuse);
    const splitter = new FrameSplitter(1 << 28);
    const connection = new FakeConnection(target, handler, (from, bytes) => {
      splitter.push(bytes);
      for (let frame = splitter.next(); frame !== null; frame = splitter.next()) {
        void this.#onFrame(from, frame);
      }
    });
    this.connections.push(connection);
    return Promise.resolve(connection);
  }

  async #onFrame(connection: FakeConnection, frame: Buffer): Promise<void> {
    const incoming = parseRequest(frame, (key) => apiByKey(key) ?? null);
    if (incoming.api === null) throw new Error('the client sent an API that we do not have');
    const { api, apiVersion: version, correlationId, clientId } = incoming;
    if (api.key === ApiVersions.key) {
      const known = version <= this.apiVersionsMax;
      const own = { apiKey: 18, minVersion: 0, maxVersion: this.apiVersionsMax };
      const apiKeys = known ? this.announced : [own];
      const body = { errorCode: known ? 0 : 35, apiKeys };
      await Promise.resolve();
      this.#send(connection, encodeResponse(ApiVersions, known ? version : 0, correlationId, body));
      return;
    }
    const body = decodeRequest(api, version, incoming.reader) as Record<string, unknown>;
    const request = { api, version, correlationId, clientId, body, connection };
    this.requests.push(request);
    const response = await this.answer(request);
    if (response === undefined) return;
    this.#send(connection, encodeResponse(api, version, correlationId, response as never));
  }

  #send(connection: FakeConnection, chunks: readonly unknown[]): void {
    const bytes = Buffer.concat(chunks as Buffer[]);
    connection.push(bytes, Math.min(this.step, bytes.length));
  }
}

/** Metadata of one node with one topic. */
export function metadataBody(
  topic: string,
  partitions: number,
  node = { nodeId: 1, host: 'fake', port: 1 },
): object {
  return {
    brokers: [{ ...node, rack: null }],
    clusterId: 'fake',
    controllerId: node.nodeId,
    topics: [
      {
        errorCode: 0,
        name: topic,
        topicId: 'AAAAAAAAAAAAAAAAAAAAAg',
        isInternal: false,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: node.nodeId,
          leaderEpoch: 0,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      },
    ],
  };
}
