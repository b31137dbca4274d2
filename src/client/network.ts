// Ways to all brokers of a cluster. Over TCP each has its own; in process one broker is the whole cluster.

import type {
  Api,
  Fields,
  RequestInput,
  ResponseOf,
  SendOptions,
  Transport,
  VersionRange,
} from '../protocol/index.ts';
import { type BrokerAddress, formatAddress } from './address.ts';
import { ClientError } from './errors.ts';
import { type TcpOptions, TcpTransport } from './tcp-transport.ts';

/** A broker as metadata names it. */
export interface Node extends BrokerAddress {
  readonly id: number;
}

/** Finds the transport for a broker. Everything above it does not know what lies below. */
export interface Network {
  /** Whether the bytes of a request are ours again once it is answered; a broker in this process keeps them. */
  readonly copies: boolean;
  /** Ways into the cluster before any node is known, to be tried in turn. */
  entries(): readonly Transport[];
  /** The way to a node. The same object as long as the node keeps its address. */
  to(node: Node): Transport;
  /** The same brokers over connections of its own. */
  fork(): Network;
  close(): Promise<void>;
}

/** A network over TCP, from the addresses of some brokers. */
export function tcpNetwork(bootstrap: readonly BrokerAddress[], options: TcpOptions): Network {
  const transports = new Map<string, TcpTransport>();
  let closed = false;
  const at = (address: BrokerAddress): TcpTransport => {
    const name = formatAddress(address);
    let transport = transports.get(name);
    if (transport === undefined) {
      transport = new TcpTransport({ host: address.host, port: address.port }, options);
      transports.set(name, transport);
      if (closed) void transport.close();
    }
    return transport;
  };
  return {
    copies: options.connector.copies ?? false,
    entries: () => bootstrap.map(at),
    to: at,
    fork: () => tcpNetwork(bootstrap, options),
    async close() {
      closed = true;
      await Promise.all([...transports.values()].map((transport) => transport.close()));
    },
  };
}

/** The same broker for somebody who closes by himself: what he asked for and was not answered ends with that. */
class SharedTransport implements Transport {
  readonly #inner: Transport;
  /** One for each request: many listeners of one signal make Node warn of a leak. */
  readonly #endings = new Set<AbortController>();
  #closed: ClientError | null = null;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async send<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options: SendOptions = {},
  ): Promise<ResponseOf<Api<Request, Response>>> {
    if (this.#closed !== null) throw this.#closed;
    // Who has a signal of his own ends his requests by that: two at once cost too much for each fetch.
    if (options.signal !== undefined) return this.#inner.send(api, request, options);
    const ending = new AbortController();
    this.#endings.add(ending);
    try {
      return await this.#inner.send(api, request, { ...options, signal: ending.signal });
    } finally {
      this.#endings.delete(ending);
    }
  }

  versions(api: Api): Promise<VersionRange | null> {
    return this.#inner.versions(api);
  }

  close(): Promise<void> {
    this.#closed ??= new ClientError('closed', 'the client of the broker here is closed');
    for (const ending of this.#endings) ending.abort(this.#closed);
    return Promise.resolve();
  }
}

/** A network of one transport, whatever node is asked for: a broker in the same process. */
export function singleNetwork(transport: Transport): Network {
  return {
    copies: false,
    entries: () => [transport],
    to: () => transport,
    // Nothing waits for anything else in process; whoever made the transport closes it.
    fork: () => singleNetwork(new SharedTransport(transport)),
    close: () => transport.close(),
  };
}
