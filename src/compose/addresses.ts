// Addresses as people write them.

import { TidemarkError } from '../base/errors.ts';
import type { ListenAddress } from './broker-options.ts';

/** An option that the broker cannot be started with. */
export class BrokerOptionError extends TidemarkError<'invalid_option'> {
  constructor(message: string) {
    super('invalid_option', message);
  }
}

/** Both loopbacks: `localhost` may mean either, and clients differ in which they try. */
const LOOPBACKS: readonly string[] = ['127.0.0.1', '::1'];

/** Addresses to listen on for a host option. */
export function listenHosts(host: string | undefined): readonly string[] {
  return host === undefined || host === '' || host === 'localhost' ? LOOPBACKS : [host];
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address to reach a listener from this machine: a wildcard is reached by a loopback. */
export function reachable({ host, port }: ListenAddress): ListenAddress {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return host === '::' ? { host: '::1', port } : { host, port };
}

function portOf(text: string, whole: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new BrokerOptionError(`advertise '${whole}': the port must be between 1 and 65535`);
  }
  return port;
}

/**
 * An advertised address: `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; port 0 when left out.
 * Throws {@link BrokerOptionError}.
 */
export function parseAdvertised(text: string): ListenAddress {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(text);
  if (bracketed?.[1] !== undefined) {
    const port = bracketed[2] === undefined ? 0 : portOf(bracketed[2], text);
    return { host: bracketed[1], port };
  }
  const colon = text.indexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  // More than one colon is an IPv6 address without brackets, which has no port.
  if (colon >= 0 && text.indexOf(':', colon + 1) >= 0) {
    if (!URL.canParse(`http://[${text}]`)) {
      throw new BrokerOptionError(`advertise '${text}': this is no IPv6 address`);
    }
    return { host: text, port: 0 };
  }
  if (host === '' || /[\s/]/.test(host)) {
    throw new BrokerOptionError(`advertise '${text}': write host or host:port`);
  }
  return { host, port: colon < 0 ? 0 : portOf(text.slice(colon + 1), text) };
}
