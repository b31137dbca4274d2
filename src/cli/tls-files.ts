// Certificates and keys as commands are given them: files in PEM.

import { readFileSync } from 'node:fs';
import type { ClientTls } from '../host/tcp-connector.ts';
import { CliError, ExitCode } from './exit-codes.ts';
import type { BrokerOptions } from './program.ts';

/** Throws CliError `notFound` when the file cannot be read; `setting` is what named it. */
export function readPem(path: string, setting: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const message = `${setting}: ${path} cannot be read`;
    throw new CliError(ExitCode.notFound, message, 'name a file in PEM', { cause });
  }
}

/** Properties of librdkafka, so of kcat's -X, that speak of TLS. */
export const tlsProperties: ReadonlySet<string> = new Set([
  'security.protocol',
  'ssl.ca.location',
  'ssl.certificate.location',
  'ssl.key.location',
  'ssl.key.password',
  'enable.ssl.certificate.verification',
]);

/** How a command speaks TLS, from its options, `-X` properties and TIDEMARK_TLS*; null: not at all. */
export function clientTlsOf(
  options: BrokerOptions,
  properties: ReadonlyMap<string, string>,
): ClientTls | null {
  const { env } = process;
  const file = (flag: string | undefined, property: string, variable: string) => {
    const path = flag || properties.get(property) || env[variable];
    return path ? readPem(path, property) : null;
  };
  const protocol = properties.get('security.protocol')?.toUpperCase();
  const ca = file(options.tlsCa, 'ssl.ca.location', 'TIDEMARK_TLS_CA');
  const cert = file(options.tlsClientCert, 'ssl.certificate.location', 'TIDEMARK_TLS_CLIENT_CERT');
  const key = file(options.tlsClientKey, 'ssl.key.location', 'TIDEMARK_TLS_CLIENT_KEY');
  const asked = options.tls === true || protocol === 'SSL' || env['TIDEMARK_TLS'] === 'true';
  if (protocol === 'PLAINTEXT' || !(asked || ca !== null || cert !== null)) return null;
  const passphrase = properties.get('ssl.key.password');
  const unchecked = properties.get('enable.ssl.certificate.verification') === 'false';
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(unchecked && { rejectUnauthorized: false }),
  };
}
