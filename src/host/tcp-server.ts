// TCP listeners, plain or with TLS: node:net and node:tls behind the broker's PeerSocket port.

import cluster from 'node:cluster';
import * as net from 'node:net';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { TidemarkError } from '../base/errors.ts';
import type { Chunk } from '../base/payload.ts';
import type { PeerHandler, PeerSocket } from '../broker/index.ts';
import { PacingSpared } from './loopback.ts';
import { nodeClock } from './node-clock.ts';
import { tlsModule } from './node-tls.ts';
import { PeerOutput, type RegionSending } from './peer-output.ts';

export interface ListenOptions {
  /** Addresses to listen on. All take the same port. */
  readonly hosts: readonly string[];
  /** 0: any free port. */
  readonly port: number;
  /**
   * Hosts after the first that the machine may lack (an IPv6 loopback in a container without IPv6)
   * are left out instead of failing.
   */
  readonly optionalHosts?: boolean;
  readonly accept: (peer: PeerSocket) => PeerHandler;
  /** How regions of files are sent; default: through memory. */
  readonly regions?: RegionSending;
  /** Default: plain TCP. */
  readonly tls?: ServerTls;
  /** A client did not get through the TLS handshake; `why` is OpenSSL's reason, null when it only went away. */
  readonly onHandshakeFailed?: (clientHost: string, why: string | null) => void;
}

/** What a listener shows and asks for; PEM texts. */
export interface ServerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly passphrase?: string;
  /** Only clients with a certificate of these authorities are let in. */
  readonly clientCa?: string | Buffer;
}

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

export interface TcpListener {
  readonly addresses: readonly TcpAddress[];
  /** Stops accepting; connections that exist go on. */
  close(): Promise<void>;
}

/**
 * The port is taken, the address does not exist here, or the port needs rights that the process
 * lacks.
 */
export class ListenError extends TidemarkError<'listen_failed'> {
  constructor(address: TcpAddress, cause: NodeJS.ErrnoException) {
    super('listen_failed', `cannot listen on ${address.host}:${address.port}: ${reason(cause)}`, {
      cause,
    });
  }
}

function reason(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'EADDRINUSE':
      return 'another process uses the port; stop it or choose another with --port';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAFNOSUPPORT':
      return 'this machine has no such address';
    case 'EACCES':
      return 'the process may not use this port; choose one above 1023';
    default:
      return cause.message;
  }
}

/** Attempts to find one port that is free on every host, when any port will do. */
const FREE_PORT_ATTEMPTS = 8;
/** A peer is given this long to close its side after we have closed ours. */
const LINGER_MS = 1000;
/** Connections that wait to be accepted: many clients start at once after a restart. */
const BACKLOG = 1024;

class StreamPeer implements PeerSocket {
  #stream: Socket;
  #output: PeerOutput | null = null;
  readonly sendsRegions: boolean;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localHost: string;
  readonly localPort: number;

  constructor(stream: Socket, sendsRegions: boolean) {
    this.#stream = stream;
    this.sendsRegions = sendsRegions;
    this.remoteHost = plainAddress(stream.remoteAddress ?? '');
    this.remotePort = stream.remotePort ?? 0;
    // The name that a TLS client asked for is the one that its certificate check will pass again.
    const { servername } = stream as Partial<TLSSocket> & { servername?: string | false };
    this.localHost = servername || plainAddress(stream.localAddress ?? '');
    this.localPort = stream.localPort ?? 0;
  }

  /** From now on the peer is reached by this stream. */
  attach(stream: Socket, regions: RegionSending | null): void {
    this.#stream = stream;
    this.#output = new PeerOutput(stream, regions);
  }

  get progress(): number {
    return this.#output?.progress ?? 0;
  }

  write(chunks: readonly Chunk[], sent: () => void): void {
    this.#output?.write(chunks, sent);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    const output = this.#output;
    if (output === null) this.#stream.destroy();
    else output.whenDrained(() => this.#finish());
  }

  #finish(): void {
    const stream = this.#stream;
    stream.end();
    // The peer's own end must be read, or the connection would never close; what else comes is
    // dropped. Closing at once could take back from the peer what it has not read yet.
    stream.resume();
    const cancel = nodeClock.setTimer(LINGER_MS, () => stream.destroy());
    stream.once('close', cancel);
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

/** `::ffff:10.0.0.1` → `10.0.0.1`: what an IPv4 client can connect to again, and what configs name it by. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * The part of a TCP handle that lets the owner say where bytes are read to. Not public, so it is
 * looked for.
 */
interface ReadableHandle {
  useUserBuffer?: unknown;
}

/**
 * A socket over the same connection that reads into the handler's buffers. Node offers this
 * (`onread`) only to those who make the socket, so the accepted one gives up its handle. Null where
 * this Node cannot do it.
 */
function readInto(accepted: Socket, handler: PeerHandler): Socket | null {
  const holder = accepted as unknown as { _handle: ReadableHandle | null };
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') return null;
  holder._handle = null;
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: () => handler.readBuffer(),
      callback(length: number) {
        handler.onRead(length);
        return true;
      },
    },
  };
  return new Socket(options as ConstructorParameters<typeof Socket>[0]);
}

/** Copies what was read to where the handler wants it, piece by piece. */
function deliver(chunk: Buffer, handler: PeerHandler): void {
  for (let position = 0; position < chunk.byteLength; ) {
    const length = chunk.copy(handler.readBuffer(), 0, position);
    handler.onRead(length);
    position += length;
  }
}

function acceptStream(accepted: Socket, options: ListenOptions, pacing?: PacingSpared): void {
  accepted.setNoDelay(true);
  accepted.setKeepAlive(true);
  // A connection that was reset while it waited to be accepted has no address any more.
  if (accepted.remoteAddress === undefined) {
    accepted.on('error', () => accepted.destroy());
    accepted.destroy();
    return;
  }
  // What is encrypted passes through memory.
  const plain = !('encrypted' in accepted);
  const regions = plain ? (options.regions ?? null) : null;
  const peer = new StreamPeer(accepted, regions !== null);
  const handler = options.accept(peer);
  const direct = plain ? readInto(accepted, handler) : null;
  const stream = direct ?? accepted;
  peer.attach(stream, regions);
  pacing?.accepted(stream, peer.remoteHost, peer.localHost);
  if (direct === null) stream.on('data', (chunk: Buffer) => deliver(chunk, handler));
  stream.on('end', () => handler.onEnd());
  // Resets and broken pipes are the peer's business: `close` always follows.
  stream.on('error', () => stream.destroy());
  stream.on('close', () => handler.onClose());
  stream.resume();
}

function serverFor(listen: ListenOptions): Server {
  if (listen.tls === undefined) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const pacing = new PacingSpared(server);
    return server.on('connection', (stream: Socket) => acceptStream(stream, listen, pacing));
  }
  const { clientCa, ...shown } = listen.tls;
  const asked = clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const options: TlsOptions = { ...shown, ...asked };
  const server = tlsModule().createServer(options, (stream) => acceptStream(stream, listen));
  // node:tls cuts it off.
  server.on('tlsClientError', (error: Error & { reason?: string }, stream) => {
    listen.onHandshakeFailed?.(plainAddress(stream.remoteAddress ?? ''), error.reason ?? null);
  });
  return server;
}

/** The part of node:net that makes a handle for an address. Not public, so it is looked for. */
interface HandleMaker {
  _createServerHandle?(host: string, port: number, family: 4 | 6, descriptor: -1): object | number;
}

/**
 * A handle bound to a loopback, as node:net would make it, but without the regular expressions by which it tells
 * addresses from names, and without the resolver of names: 5 ms and 1 ms of each start. Null where the ordinary way
 * must be taken, which also says what is wrong.
 */
function loopbackHandle({ host, port }: TcpAddress): object | null {
  if (host !== '::1' && host !== '127.0.0.1') return null;
  if (!cluster.isPrimary) return null;
  const family = host === '::1' ? 6 : 4;
  const made = (net as HandleMaker)._createServerHandle?.(host, port, family, -1);
  return typeof made === 'object' ? made : null;
}

function listenOne(address: TcpAddress, listen: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serverFor(listen);
    const failed = (cause: Error): void => reject(new ListenError(address, cause));
    server.once('error', failed);
    const listening = (): void => {
      server.off('error', failed);
      // After this only a failed accept can come here (out of descriptors): the listener stays.
      server.on('error', () => {});
      resolve(server);
    };
    const handle = loopbackHandle(address);
    if (handle !== null) server.listen(handle, BACKLOG, listening);
    else server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, listening);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof ListenError ? (error.cause as NodeJS.ErrnoException) : undefined;
  return cause?.code;
}

function addressOf(server: Server): TcpAddress {
  const address = server.address() as AddressInfo;
  return { host: address.address, port: address.port };
}

async function listenAll(options: ListenOptions, port: number): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const host of options.hosts) {
      const known = servers[0];
      const wanted = known === undefined ? port : addressOf(known).port;
      try {
        servers.push(await listenOne({ host, port: wanted }, options));
      } catch (error) {
        const missing = codeOf(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'EAFNOSUPPORT';
        if (!(options.optionalHosts === true && known !== undefined && missing)) throw error;
      }
    }
    return servers;
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
}

/**
 * Listens on all hosts, on one port. Throws {@link ListenError}; then nothing is left listening.
 */
export async function listenTcp(options: ListenOptions): Promise<TcpListener> {
  let servers: Server[] | undefined;
  for (let attempt = 1; servers === undefined; attempt++) {
    try {
      servers = await listenAll(options, options.port);
    } catch (error) {
      // With any port allowed, the one that the first host got may be taken on the second: draw
      // again.
      const again = options.port === 0 && codeOf(error) === 'EADDRINUSE';
      if (!again || attempt >= FREE_PORT_ATTEMPTS) throw error;
    }
  }
  const listening = servers;
  return {
    addresses: listening.map(addressOf),
    async close() {
      // `close` calls back only when the connections are gone too; those are closed by the broker.
      for (const server of listening) server.close(() => {});
    },
  };
}
