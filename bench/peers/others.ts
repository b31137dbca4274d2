// Systems of another kind beside ours, as Debian packages them: NATS JetStream and Redis Streams, each with and without
// a sync before it acknowledges. Their clients are their own: nats.js, kept in a folder of its own, and
// redis-benchmark.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { exitOf, freePort, runChild, spawnOwned, tailOf, waitUntil } from './child.ts';
import { peersFolder, projectRoot } from './jars.ts';
import { findProgram, installCommand, versionOf } from './programs.ts';
import { removeFolder, temporaryFolder } from './temporary.ts';

/** A running one. */
export interface OtherServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface OtherSystem {
  readonly name: string;
  readonly product: 'nats' | 'redis';
  /** Whether an acknowledged record is on the disk. */
  readonly synced: boolean;
  /** The product with its version. */
  readonly title: string;
  start(): Promise<OtherServer>;
}

const START_MS = 20_000;
const STOP_MS = 20_000;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

async function startServer(
  program: string,
  args: (port: number, folder: string) => readonly string[],
): Promise<OtherServer> {
  const folder = temporaryFolder(`${program}-`);
  const port = await freePort();
  const path = findProgram(program) ?? program;
  const child = spawnOwned(path, args(port, folder), { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = exitOf(child);
  const errors = tailOf(child);
  try {
    await waitUntil(() => answers(port), {
      timeoutMs: START_MS,
      what: program,
      failed: () => (child.exitCode === null ? '' : `ended: ${errors()}`),
    });
  } catch (cause) {
    child.kill('SIGKILL');
    await ended;
    removeFolder(folder);
    throw cause;
  }
  return {
    port,
    pid: child.pid ?? -1,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(late);
      removeFolder(folder);
    },
  };
}

function redis(name: string, synced: boolean, version: string): OtherSystem {
  const policy = synced ? 'always' : 'everysec';
  return {
    name,
    product: 'redis',
    synced,
    title: `Redis ${version}, appendfsync ${policy}`,
    start: () =>
      startServer('redis-server', (port, folder) => [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', policy],
      ]),
  };
}

function nats(name: string, synced: boolean, version: string): OtherSystem {
  return {
    name,
    product: 'nats',
    synced,
    title: `NATS JetStream ${version}${synced ? ', sync_interval always' : ''}`,
    start: () =>
      startServer('nats-server', (port, folder) => {
        const sync = synced ? 'sync_interval: always' : '';
        const file = join(folder, 'nats.conf');
        writeFileSync(
          file,
          `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}/data"\n${sync}\n}\n`,
        );
        return ['-c', file];
      }),
  };
}

/** `sync_interval: always` came with this version. */
const NATS_SYNCS_FROM = [2, 10] as const;

function syncs(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (
    major > NATS_SYNCS_FROM[0] || (major === NATS_SYNCS_FROM[0] && minor >= NATS_SYNCS_FROM[1])
  );
}

export interface Found {
  readonly systems: readonly OtherSystem[];
  readonly missing: readonly { readonly what: string; readonly why: string }[];
}

/** The systems of a product (`nats` or `redis`) that can be had here, and why others can't. */
export function otherSystems(product: string): Found {
  const program = `${product}-server`;
  const version = versionOf(program);
  if (version === undefined) {
    const why = `there is no ${program}; next: ${installCommand(product)}`;
    return { systems: [], missing: [{ what: product, why }] };
  }
  if (product === 'redis') {
    const both = [redis('redis', false, version), redis('redis-sync', true, version)];
    return { systems: both, missing: [] };
  }
  const plain = nats('nats', false, version);
  if (syncs(version)) return { systems: [plain, nats('nats-sync', true, version)], missing: [] };
  const why = `nats-server ${version} has no sync before an acknowledgement (2.10 and later have)`;
  return { systems: [plain], missing: [{ what: 'nats-sync', why }] };
}

const clientsSource = (): string => join(projectRoot(), 'bench/peers/clients');

const clientsFolder = (): string => join(peersFolder(), 'clients');
const clientsLock = (): string => readFileSync(join(clientsSource(), 'package-lock.json'), 'utf8');
const installedLock = (): string => join(clientsFolder(), 'installed-lock.json');

/** The folder with the clients' packages, if they were installed. */
export function findClients(): string | undefined {
  const installed = installedLock();
  const same = existsSync(installed) && readFileSync(installed, 'utf8') === clientsLock();
  return same ? clientsFolder() : undefined;
}

/** The folder with the clients' packages, installed once by npm from clients/package-lock.json, scripts off. */
export async function installClients(): Promise<string> {
  const found = findClients();
  if (found !== undefined) return found;
  const folder = clientsFolder();
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    writeFileSync(join(folder, name), readFileSync(join(clientsSource(), name)));
  }
  await runChild('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  writeFileSync(installedLock(), clientsLock());
  return folder;
}
