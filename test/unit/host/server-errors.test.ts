// Servers beside the broker's own: what goes wrong after they listen, out of descriptors mostly, must not end the process.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { dataDirectoryLock } from '../../../src/host/data-lock.ts';
import { serveMetrics } from '../../../src/host/metrics-server.ts';

const directories: string[] = [];

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-servers-'));
  directories.push(directory);
  return directory;
}

/** The server that `start` makes. */
async function serverOf(start: () => Promise<unknown>): Promise<Server> {
  const listen = vi.spyOn(Server.prototype, 'listen');
  await start();
  return listen.mock.contexts.at(-1) as Server;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const tooManyFiles = (): Error => Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });

test('failed accepts leave the metrics served', async () => {
  const options = { host: '127.0.0.1', port: 0, text: () => 'a 1\n' };
  let metrics: Awaited<ReturnType<typeof serveMetrics>> | undefined;
  const server = await serverOf(async () => {
    metrics = await serveMetrics(options);
  });
  for (let time = 0; time < 3; time++) server.emit('error', tooManyFiles());
  const { host, port } = metrics!.address;
  expect(await (await fetch(`http://${host}:${port}/metrics`)).text()).toBe('a 1\n');
  await metrics!.close();
});

test('metrics that cannot be had are an error of the server to whoever asks', async () => {
  let broken = true;
  const text = (): string => {
    if (broken) throw new Error('a metric of nobody');
    return 'a 1\n';
  };
  const metrics = await serveMetrics({ host: '127.0.0.1', port: 0, text });
  const { host, port } = metrics.address;
  const ask = () => fetch(`http://${host}:${port}/metrics`);
  expect((await ask()).status).toBe(500);
  broken = false;
  expect((await ask()).status).toBe(200);
  await metrics.close();
});

test.runIf(process.platform === 'linux')('failed accepts leave a directory locked', async () => {
  const directory = makeDirectory();
  const lock = dataDirectoryLock(directory, { method: 'socket' });
  const server = await serverOf(() => lock.acquire());
  for (let time = 0; time < 3; time++) server.emit('error', tooManyFiles());
  const refused = dataDirectoryLock(directory, { method: 'socket' }).acquire();
  await expect(refused).rejects.toMatchObject({ code: 'data_directory_locked' });
  await lock.release();
});

test.runIf(process.platform === 'linux')(
  'a directory is free again though its lock file cannot be removed',
  async () => {
    const directory = makeDirectory();
    mkdirSync(join(directory, 'lock'));
    const lock = dataDirectoryLock(directory, { method: 'socket' });
    await lock.acquire();
    await lock.release();
    const next = dataDirectoryLock(directory, { method: 'socket' });
    await next.acquire();
    await next.release();
  },
);
