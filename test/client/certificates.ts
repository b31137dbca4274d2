// Certificates for the tests of TLS, made on the fly by the machine's openssl: an authority, a server's certificate for
// names and 127.0.0.1, and a client's.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
}

/** Null where there is no openssl; in CI that is a failure. */
export function makeCertificates(names: readonly string[]): Certificates | null {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-tls-'));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const key = (name: string): string[] => [
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ];
  const signed = (name: string, extension: string): Pair => {
    writeFileSync(join(folder, `${name}.ext`), extension);
    openssl('req', '-new', ...key(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...by,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
    const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  try {
    openssl(
      'req',
      '-x509',
      ...key('ca'),
      '-subj',
      '/CN=test authority',
      '-days',
      '2',
      '-out',
      'ca.pem',
    );
    const alternatives = [...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1', 'IP:::1'];
    return {
      ca: readFileSync(join(folder, 'ca.pem'), 'utf8'),
      server: signed('server', `subjectAltName=${alternatives.join(',')}`),
      client: signed('client', 'extendedKeyUsage=clientAuth'),
    };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && process.env['CI'] === undefined) return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
