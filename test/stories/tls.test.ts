// A broker with TLS, and commands that reach it: by options, by environment, by librdkafka's properties.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../client/certificates.ts';
import { type ServedBroker, scratch, serve, tidemark } from './support.ts';

const made = makeCertificates(['localhost']);

describe.runIf(made !== null)('TLS on the command line', () => {
  const folder = scratch();
  const file = (name: string): string => join(folder.path, name);
  let broker: ServedBroker;

  beforeAll(async () => {
    const pems = {
      'ca.pem': made?.ca,
      'server.pem': made?.server.cert,
      'server.key': made?.server.key,
      'client.pem': made?.client.cert,
      'client.key': made?.client.key,
    };
    for (const [name, text] of Object.entries(pems)) writeFileSync(file(name), text ?? '');
    const shown = ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')];
    broker = await serve(['--memory', ...shown, '--tls-client-ca', file('ca.pem')]);
  });
  afterAll(async () => {
    await broker.stop();
    folder.remove();
  });

  test('options, environment and properties all lead there', async () => {
    const flags = ['--tls-ca', file('ca.pem'), '--tls-client-cert', file('client.pem')];
    const key = ['--tls-client-key', file('client.key')];
    const create = await broker.run(['topic', 'create', 'secret', ...flags, ...key]);
    expect(create).toMatchObject({ code: 0 });
    const env = {
      TIDEMARK_TLS: 'true',
      TIDEMARK_TLS_CA: file('ca.pem'),
      TIDEMARK_TLS_CLIENT_CERT: file('client.pem'),
      TIDEMARK_TLS_CLIENT_KEY: file('client.key'),
    };
    expect(await broker.run(['produce', 'secret', 'hello'], { env })).toMatchObject({ code: 0 });
    const properties = {
      'security.protocol': 'ssl',
      'ssl.ca.location': file('ca.pem'),
      'ssl.certificate.location': file('client.pem'),
      'ssl.key.location': file('client.key'),
    };
    const given = Object.entries(properties).flatMap(([name, value]) => ['-X', `${name}=${value}`]);
    const read = await broker.run(['consume', 'secret', '-o', 'earliest', '-e', ...given]);
    expect(read).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  test('without them the way is closed, and a file that is not there is named', async () => {
    const plain = await broker.run(['topic', 'list', '-X', 'default.api.timeout.ms=500']);
    expect(plain).toMatchObject({ code: 4, stderr: expect.stringContaining('add --tls') });
    const unshown = await broker.run(['topic', 'list', '--tls', '--tls-ca', file('ca.pem')]);
    expect(unshown).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('--tls-client-cert'),
    });
    expect(unshown.stderr).not.toMatch(/\.c:\d/);
    const missing = await broker.run(['topic', 'list', '--tls-ca', file('none.pem')]);
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining('none.pem') });
    const half = await tidemark(['serve', '--memory', '--tls-cert', file('server.pem')]);
    expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('--tls-key') });
  });
});
