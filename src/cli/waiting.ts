// A command that waits says so: what for, and until when, on standard error, once it has waited a little.

import type { BrokerAddress, Network } from '../client/index.ts';
import type { Api, Transport } from '../protocol/index.ts';
import { messageOf } from './exit-codes.ts';

/** Silence that people bear, in ms. */
const FIRST_MS = 2_000;
/** How often the same trouble is told while it lasts. */
const AGAIN_MS = 30_000;
/** Without trouble for so long, the next is another one. */
const CALM_MS = 5_000;

/** Requests that a broker is meant to keep until there is something to answer. */
const longPolls: ReadonlySet<string> = new Set(['Fetch', 'JoinGroup', 'SyncGroup']);

export interface WaitingTimes {
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** Tells of requests without an answer, and of what is tried again. */
export class Waiting {
  readonly #say: (line: string) => void;
  readonly #times: WaitingTimes;
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #sayAtMs = 0;

  constructor(say: (line: string) => void, times: WaitingTimes) {
    this.#say = say;
    this.#times = times;
  }

  /** Something failed, and is tried again for `leftMs`. */
  hear(error: unknown, leftMs: number): void {
    const now = performance.now();
    if (now - this.#lastMs > CALM_MS) {
      this.#sinceMs = now;
      this.#sayAtMs = now + FIRST_MS;
    }
    this.#lastMs = now;
    if (now < this.#sayAtMs) return;
    this.#sayAtMs = now + AGAIN_MS;
    const waited = seconds(now - this.#sinceMs);
    const until = Number.isFinite(leftMs) ? `for ${seconds(leftMs)} more` : 'until you end it';
    this.#say(`still trying after ${waited}, ${until}: ${messageOf(error)}`);
  }

  /** The same network, with an eye on its answers. `entries`: the addresses that it begins with. */
  watch(network: Network, entries: readonly BrokerAddress[]): Network {
    const watched = new WeakMap<Transport, Transport>();
    const at = (transport: Transport, { host, port }: BrokerAddress): Transport => {
      let found = watched.get(transport);
      if (found === undefined) {
        found = this.#transport(transport, `${host}:${port}`);
        watched.set(transport, found);
      }
      return found;
    };
    return {
      entries: () =>
        network.entries().map((one, index) => at(one, entries[index] ?? { host: '', port: 0 })),
      to: (node) => at(network.to(node), node),
      fork: () => this.watch(network.fork(), entries),
      copies: network.copies,
      close: () => network.close(),
    };
  }

  #transport(inner: Transport, address: string): Transport {
    const { requestTimeoutMs, connectTimeoutMs } = this.#times;
    return {
      send: (api, request, options) => {
        const answer = inner.send(api, request, options);
        if (longPolls.has(api.name)) return answer;
        const timeoutMs = options?.timeoutMs ?? requestTimeoutMs;
        return this.#unlessSoon(answer, `${address} to answer ${api.name}`, timeoutMs);
      },
      versions: (api: Api) =>
        this.#unlessSoon(inner.versions(api), `a connection to ${address}`, connectTimeoutMs),
      close: () => inner.close(),
    };
  }

  async #unlessSoon<T>(answer: Promise<T>, what: string, timeoutMs: number): Promise<T> {
    const timer = setTimeout(
      () => this.#say(`waiting for ${what}, for ${seconds(timeoutMs - FIRST_MS)} more`),
      FIRST_MS,
    );
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}
