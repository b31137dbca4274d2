// How many peers may be connected at a time, all together and from one address, by the broker's configs as they are
// now. Kafka stops accepting at `max.connections`; here one too many is closed at once, as Kafka does with one too many
// from an address.

export class ConnectionLimits {
  readonly #config: (name: string) => string | number | boolean | null;

  /** `config`: a broker config's value. */
  constructor(config: (name: string) => string | number | boolean | null) {
    this.#config = config;
  }

  /** Of all peers. */
  get max(): number {
    return Number(this.#config('max.connections'));
  }

  /** Of one address. */
  of(host: string): number {
    const overrides = String(this.#config('max.connections.per.ip.overrides') ?? '');
    for (const pair of overrides === '' ? [] : overrides.split(',')) {
      // An IPv6 address has colons of its own.
      const colon = pair.lastIndexOf(':');
      if (pair.slice(0, colon).trim() === host) return Number(pair.slice(colon + 1));
    }
    return Number(this.#config('max.connections.per.ip'));
  }
}
