import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import type { PeerHandler, PeerSocket } from '../../../src/broker/index.ts';
import { listenTcp, type TcpListener } from '../../../src/host/tcp-server.ts';

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
/** Containers may lack it. */
const hasLoopback6 = addresses.some(({ address }) => address === '::1');
const loopbacks = hasLoopback6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];

const listeners: TcpListener[] = [];

async function listen(hosts: readonly string[], port: number): Promise<TcpListener> {
  const accept = () => {
    throw new Error('nobody connects');
  };
  const listener = await listenTcp({ hosts, port, optionalHosts: true, accept });
  listeners.push(listener);
  return listener;
}

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

test.each(loopbacks)('a port of %s that is taken is told', async (host) => {
  const first = await listen([host], 0);
  const { port } = first.addresses[0] ?? { port: 0 };
  expect(first.addresses).toEqual([{ host, port }]);
  await expect(listen([host], port)).rejects.toMatchObject({
    code: 'listen_failed',
    message: expect.stringContaining(
      `cannot listen on ${host}:${port}: another process uses the port`,
    ),
  });
});

test('all loopbacks take the same free port', async () => {
  const listener = await listen(['127.0.0.1', '::1'], 0);
  expect(listener.addresses.map(({ host }) => host)).toEqual(loopbacks);
  expect(new Set(listener.addresses.map(({ port }) => port)).size).toBe(1);
});

test.runIf(hasLoopback6)(
  'an IPv4 peer has its own address where IPv6 is listened on, too',
  async () => {
    const came = new Promise<string>((resolve) => {
      const accept = (peer: PeerSocket): PeerHandler => {
        resolve(peer.remoteHost);
        peer.destroy();
        const nothing = (): void => {};
        const readBuffer = (): Buffer => Buffer.alloc(1);
        return { readBuffer, onRead: nothing, onEnd: nothing, onClose: nothing };
      };
      void listenTcp({ hosts: ['::'], port: 0, accept }).then((listener) => {
        listeners.push(listener);
        const client = connect({ host: '127.0.0.1', port: listener.addresses[0]?.port ?? 0 });
        client.on('error', () => {});
      });
    });
    // As configs that count peers by their address have it, and as groups tell of members.
    expect(await came).toBe('127.0.0.1');
  },
);
