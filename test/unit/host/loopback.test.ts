import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { descriptorOf, isLoopback, sparePacing } from '../../../src/host/loopback.ts';
import { nativeIo, nativeIoOrNull } from '../../../src/host/native-io.ts';

async function accepted(): Promise<{ server: Socket; close(): void }> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const incoming = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const server = await incoming;
  return {
    server,
    close() {
      client.destroy();
      server.destroy();
      listener.close();
    },
  };
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

  test('are left as they are by a machine without native calls, and work with them', async () => {
    const { server, close } = await accepted();
    sparePacing(server);
    const native = nativeIoOrNull();
    if (native !== null) {
      expect(native.setCongestionControl(descriptorOf(server), 'reno')).toBe(true);
      expect(native.setCongestionControl(descriptorOf(server), 'no such thing')).toBe(false);
    } else {
      expect(nativeIo()).toHaveProperty('reason');
    }
    close();
    expect(descriptorOf(server)).toBe(-1);
    sparePacing(server);
  });
});
