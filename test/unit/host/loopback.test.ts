import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { descriptorOf, isLoopback, PacingSpared } from '../../../src/host/loopback.ts';
import { nativeIo, nativeIoOrNull, whenNativeIoLoaded } from '../../../src/host/native-io.ts';

const open: { close?(): unknown; destroy?(): unknown }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) (one.destroy ?? one.close)?.call(one);
});

async function listening(): Promise<Server> {
  const listener = createServer();
  open.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return listener;
}

/** The listener's side of a new connection. */
async function connected(listener: Server): Promise<Socket> {
  const incoming = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  open.push(connect((listener.address() as AddressInfo).port, '127.0.0.1'));
  const stream = await incoming;
  open.push(stream);
  return stream;
}

/** The congestion control of a socket; null where native calls are missing. */
function controlOf(owner: Server | Socket): string | null {
  if (nativeIoOrNull() === null) return null;
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const getsockopt = koffi
    .load(null)
    .func('int getsockopt(int socket, int level, int option, void *value, uint32_t *length)');
  const [tcp, congestion] = [6, 13];
  const name = Buffer.alloc(16);
  const length = Uint32Array.of(name.length);
  expect(getsockopt(descriptorOf(owner), tcp, congestion, name, length)).toBe(0);
  return name.toString('latin1').replace(/\0.*$/s, '');
}

describe('connections from this machine', () => {
  const cases: [string, string, boolean][] = [
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.2', '127.0.0.1', true],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
    ['::1', '::1', true],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.8', '10.0.0.7', false],
    ['::ffff:10.0.0.8', '::ffff:10.0.0.7', false],
    ['fe80::127.0.0.1', 'fe80::1', false],
  ];

  test.each(cases)('from %s to %s: %s', (remote, local, expected) => {
    expect(isLoopback(remote, local)).toBe(expected);
  });

  test('begin with a congestion control that does not pace, once one has come; others keep their own', async () => {
    const own = controlOf(await listening());
    const listener = await listening();
    const pacing = new PacingSpared(listener, 'bbr');
    const first = await connected(listener);
    pacing.accepted(first, '127.0.0.1', '127.0.0.1');
    await new Promise<void>((resolve) => whenNativeIoLoaded(() => resolve()));
    if (own === null) {
      expect(nativeIo()).toHaveProperty('reason');
      return;
    }
    expect(['cubic', 'reno']).toContain(controlOf(first));
    expect(controlOf(listener)).toBe(controlOf(first));
    const second = await connected(listener);
    expect(controlOf(second)).toBe(controlOf(first));
    const elsewhere = new PacingSpared(listener, 'bbr');
    elsewhere.accepted(second, '127.0.0.1', '127.0.0.1');
    // One from elsewhere takes the machine's own again, where it may.
    const third = await connected(listener);
    const allowed = nativeIoOrNull()?.setCongestionControl(descriptorOf(third), 'bbr') === true;
    nativeIoOrNull()?.setCongestionControl(descriptorOf(third), 'reno');
    elsewhere.accepted(third, '10.0.0.8', '10.0.0.7');
    expect(controlOf(third)).toBe(allowed ? 'bbr' : 'reno');
  });

  test('are left alone where the machine does not pace, and once they are closed', async () => {
    const listener = await listening();
    const own = controlOf(listener);
    const stream = await connected(listener);
    new PacingSpared(listener, 'reno').accepted(stream, '127.0.0.1', '127.0.0.1');
    expect(controlOf(listener)).toBe(own);
    stream.destroy();
    expect(descriptorOf(stream)).toBe(-1);
    new PacingSpared(listener, 'bbr').accepted(stream, '127.0.0.1', '127.0.0.1');
  });

  test('a name that no machine has is refused', async () => {
    const native = nativeIoOrNull();
    if (native === null) return;
    const socket = descriptorOf(await connected(await listening()));
    expect(native.setCongestionControl(socket, 'reno')).toBe(true);
    expect(native.setCongestionControl(socket, 'no such thing')).toBe(false);
  });
});
