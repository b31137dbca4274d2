// A network under a virtual clock, from a seed: bytes arrive late and split anywhere, connections are cut, or go
// half open (one side sends into the void and hears nothing). Joins the client's Connector to the broker's
// PeerSocket, so both ends run their real code.

import { isFileRegion } from '../../src/base/payload.ts';
import type { Clock } from '../../src/base/ports.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import type { PeerHandler, PeerSocket } from '../../src/broker/index.ts';
import type { ByteStream, ByteStreamHandler, Connector } from '../../src/client/index.ts';
import type { Chunk } from '../../src/protocol/index.ts';

export interface NetworkOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Bounds of the one-way delay of each piece, ms. Default 0 to 3. */
  readonly delayMs?: readonly [number, number];
  /** Chance that a write is split at a random byte, again and again. Default 0.3. */
  readonly splitChance?: number;
}

type Accept = (peer: PeerSocket) => PeerHandler;

/** All connections of one simulated run. */
export class SimulatedNetwork {
  readonly #options: Required<NetworkOptions>;
  readonly #listeners = new Map<string, Accept>();
  readonly #links = new Set<Link>();
  #nextPort = 40_000;

  constructor(options: NetworkOptions) {
    this.#options = { delayMs: [0, 3], splitChance: 0.3, ...options };
  }

  /** Connections that are open now, oldest first. */
  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** Accepts connections to the address; returns the function that stops it (open connections go on). */
  listen(address: { host: string; port: number }, accept: Accept): () => void {
    const key = `${address.host}:${address.port}`;
    this.#listeners.set(key, accept);
    return () => {
      if (this.#listeners.get(key) === accept) this.#listeners.delete(key);
    };
  }

  /** Cuts every connection, as when the process behind them dies. */
  cutAll(): void {
    for (const link of this.#links) link.cut();
  }

  connector(): Connector {
    return {
      connect: (target, handler) => this.#connect(target, handler),
    };
  }

  #connect(
    target: { host: string; port: number; timeoutMs: number },
    handler: ByteStreamHandler,
  ): Promise<ByteStream> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      clock.setTimer(this.#delay(), () => {
        const accept = this.#listeners.get(`${target.host}:${target.port}`);
        if (accept === undefined) {
          const refused = new Error(`connect ECONNREFUSED ${target.host}:${target.port}`);
          reject(Object.assign(refused, { code: 'ECONNREFUSED' }));
          return;
        }
        const link = new Link({
          ...this.#options,
          delay: () => this.#delay(),
          client: handler,
          local: { host: target.host, port: target.port },
          remotePort: this.#nextPort++,
          onGone: (gone) => this.#links.delete(gone),
        });
        this.#links.add(link);
        link.accept(accept);
        resolve(link.clientEnd);
      });
    });
  }

  #delay(): number {
    const [least, most] = this.#options.delayMs;
    return least + this.#options.random.next() * (most - least);
  }
}

interface LinkOptions extends Required<NetworkOptions> {
  readonly delay: () => number;
  readonly client: ByteStreamHandler;
  readonly local: { readonly host: string; readonly port: number };
  readonly remotePort: number;
  readonly onGone: (link: Link) => void;
}

/** One connection. */
export class Link {
  readonly #options: LinkOptions;
  readonly #toServer: Direction;
  readonly #toClient: Direction;
  #server: PeerHandler | null = null;
  #open = true;
  /** Answers that wait for their regions, or for those before them. */
  #sending = 0;
  #lane: Promise<void> = Promise.resolve();
  #serverPaused = false;
  readonly #waiting: Buffer[] = [];
  readonly clientEnd: ByteStream;
  readonly serverEnd: PeerSocket;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#toServer = new Direction(options, (bytes) => this.#serverGets(bytes));
    this.#toClient = new Direction(options, (bytes) => {
      if (this.#open) options.client.onData(bytes);
    });
    this.clientEnd = {
      write: (chunks) => this.#toServer.send(chunks, () => {}),
      pendingBytes: () => 0,
      drained: () => Promise.resolve(),
      destroy: () => this.#close(null),
    };
    this.serverEnd = {
      remoteHost: '127.0.0.1',
      remotePort: options.remotePort,
      localHost: options.local.host,
      localPort: options.local.port,
      sendsRegions: true,
      progress: 0,
      write: (chunks, sent) => this.#send(chunks, sent),
      pause: () => {
        this.#serverPaused = true;
      },
      resume: () => {
        this.#serverPaused = false;
        this.#drain();
      },
      end: () => this.#toClient.afterAll(() => this.#close(null)),
      destroy: () => this.#close(null),
    };
  }

  accept(accept: Accept): void {
    this.#server = accept(this.serverEnd);
  }

  /** Cuts the connection at once; bytes on the way are lost. */
  cut(): void {
    this.#close(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** From now on nothing arrives in this direction, and nobody is told. */
  silence(direction: 'to-server' | 'to-client'): void {
    (direction === 'to-server' ? this.#toServer : this.#toClient).silence();
  }

  /** As the host sends regions of files that it cannot hand to the system: read, then sent, in order. */
  #send(chunks: readonly Chunk[], sent: () => void): void {
    const known: Buffer[] = [];
    for (const chunk of chunks) if (!isFileRegion(chunk)) known.push(chunk);
    if (this.#sending === 0 && known.length === chunks.length) {
      this.#toClient.send(known, sent);
      return;
    }
    this.#sending++;
    this.#lane = this.#lane.then(async () => {
      try {
        this.#toClient.send(await Promise.all(chunks.map(loaded)), sent);
      } catch {
        this.cut();
        sent();
      } finally {
        this.#sending--;
      }
    });
  }

  #serverGets(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#drain();
  }

  #drain(): void {
    while (this.#open && !this.#serverPaused && this.#server !== null) {
      const first = this.#waiting.shift();
      if (first === undefined) return;
      const into = this.#server.readBuffer();
      const length = Math.min(into.length, first.length);
      first.copy(into, 0, 0, length);
      if (length < first.length) this.#waiting.unshift(first.subarray(length));
      this.#server.onRead(length);
    }
  }

  #close(cause: Error | null): void {
    if (!this.#open) return;
    this.#open = false;
    this.#options.onGone(this);
    this.#toServer.silence();
    this.#toClient.silence();
    this.#options.clock.defer(() => {
      this.#server?.onClose();
      this.#options.client.onClose(cause);
    });
  }
}

async function loaded(chunk: Chunk): Promise<Buffer> {
  if (!isFileRegion(chunk)) return chunk;
  try {
    const bytes = await chunk.load();
    if (bytes.length < chunk.byteLength) throw new Error('the file has ended before the answer');
    return bytes;
  } finally {
    chunk.release();
  }
}

/** Bytes one way: in order, each piece with a delay of its own but never overtaking. */
class Direction {
  readonly #options: LinkOptions;
  readonly #deliver: (bytes: Buffer) => void;
  #lastDueMs = 0;
  #silent = false;

  constructor(options: LinkOptions, deliver: (bytes: Buffer) => void) {
    this.#options = options;
    this.#deliver = deliver;
  }

  silence(): void {
    this.#silent = true;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    let rest: Buffer = Buffer.concat(chunks);
    const { random, splitChance } = this.#options;
    while (rest.length > 1 && random.chance(splitChance)) {
      const at = 1 + random.below(rest.length - 1);
      this.#schedule(rest.subarray(0, at));
      rest = rest.subarray(at);
    }
    this.#schedule(rest);
    this.#options.clock.defer(sent);
  }

  afterAll(run: () => void): void {
    this.#at(run);
  }

  #schedule(bytes: Buffer): void {
    this.#at(() => this.#deliver(bytes));
  }

  #at(run: () => void): void {
    const { clock, delay } = this.#options;
    const now = clock.monotonic();
    this.#lastDueMs = Math.max(this.#lastDueMs, now + delay());
    clock.setTimer(this.#lastDueMs - now, () => {
      if (!this.#silent) run();
    });
  }
}
