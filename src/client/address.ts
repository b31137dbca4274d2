// Broker addresses as people write them.

import { ClientError } from './errors.ts';

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const PORT_DEFAULT = 9092;

/**
 * `host`, `host:port`, `[::1]:9092`, several with commas or blanks between, each perhaps with a `PLAINTEXT://` before
 * it. The port is 9092 when not given. Throws {@link ClientError} `invalid_address`.
 */
export function parseBrokers(text: string): BrokerAddress[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  if (parts.length === 0) throw new ClientError('invalid_address', 'no broker address was given');
  return parts.map(parseBroker);
}

function parseBroker(text: string): BrokerAddress {
  const bare = text.replace(/^[a-z_]+:\/\//i, '');
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(bare);
  const host = match?.[1] ?? match?.[2];
  // A bare IPv6 address has colons and no brackets: all of it is the host.
  if (host === undefined && /^[0-9a-f:.]+$/i.test(bare) && bare.split(':').length > 2) {
    return { host: bare, port: PORT_DEFAULT };
  }
  const port = match?.[3] === undefined ? PORT_DEFAULT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new ClientError(
      'invalid_address',
      `'${text}' is no broker address; write host:port, for example 127.0.0.1:9092`,
    );
  }
  return { host, port };
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress(address: BrokerAddress): string {
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
