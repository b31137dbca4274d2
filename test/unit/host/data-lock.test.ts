import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { projectRoot } from '../../../bench/peers/index.ts';
import { dataDirectoryLock, type LockMethod } from '../../../src/host/data-lock.ts';
import { capturedLog } from '../../support/captured-log.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-lock-'));
  directories.push(directory);
  return directory;
}

const methods: LockMethod[] = process.platform === 'linux' ? ['socket', 'file'] : ['file'];

describe.each(methods)('the %s lock', (method) => {
  test('refuses a second holder and names the first', async () => {
    const directory = makeDirectory();
    const first = dataDirectoryLock(directory, { method });
    await first.acquire();
    expect(readFileSync(join(directory, 'lock'), 'latin1')).toBe(`${process.pid}\n`);
    const second = dataDirectoryLock(directory, { method });
    await expect(second.acquire()).rejects.toMatchObject({
      code: 'data_directory_locked',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await second.release();
    await first.release();
    await second.acquire();
    await second.release();
  });

  test('is free once its process was killed', async () => {
    const directory = makeDirectory();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    writeFileSync(join(directory, 'lock'), `${child.pid}\n`);
    const lock = dataDirectoryLock(directory, { method });
    if (method === 'file') {
      await expect(lock.acquire()).rejects.toMatchObject({ code: 'data_directory_locked' });
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    await lock.acquire();
    await lock.release();
  });

  test('makes a missing directory', async () => {
    const lock = dataDirectoryLock(join(makeDirectory(), 'a', 'b'), { method });
    await lock.acquire();
    await lock.release();
  });
});

const built = pathToFileURL(join(projectRoot(), 'dist/src/host/data-lock.js')).href;
const unshare = ['-Urn', process.execPath];
const hasNamespaces =
  process.platform === 'linux' && spawnSync('unshare', [...unshare, '-e', '']).status === 0;

/** A process that has no network namespace in common with us, as in a container; and what became of its lock. */
async function lockElsewhere(directory: string): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    import { dataDirectoryLock } from ${JSON.stringify(built)};
    await dataDirectoryLock(process.argv[1]).acquire().then(
      () => console.log('taken'),
      (error) => console.log(error.code, error.message),
    );
    setInterval(() => {}, 1000);`;
  const args = [...unshare, '--input-type=module', '-e', script, directory];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  return { child, said: String(said).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe.runIf(process.platform === 'linux')('containers that share a directory', () => {
  afterEach(() => vi.restoreAllMocks());

  test('refuse each other, and name the holder', async ({ skip }) => {
    if (!hasNamespaces) skip('unshare is not allowed here');
    const directory = makeDirectory();
    const lock = dataDirectoryLock(directory);
    await lock.acquire();
    const refused = await lockElsewhere(directory);
    await kill(refused.child);
    expect(refused.said).toMatch(/^data_directory_locked /);
    expect(refused.said).toContain(`process ${process.pid} of another container`);
    await lock.release();
    const holder = await lockElsewhere(directory);
    expect(holder.said).toBe('taken');
    await expect(lock.acquire()).rejects.toMatchObject({
      code: 'data_directory_locked',
      message: expect.stringContaining(`process ${holder.child.pid} of another container`),
    });
    await kill(holder.child);
    await lock.acquire();
    await lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('do so however long the path is', async ({ skip }) => {
    if (!hasNamespaces) skip('unshare is not allowed here');
    const directory = join(makeDirectory(), 'a'.repeat(200));
    mkdirSync(directory);
    const lock = dataDirectoryLock(directory);
    await lock.acquire();
    const refused = await lockElsewhere(directory);
    await kill(refused.child);
    expect(refused.said).toMatch(/^data_directory_locked /);
    await lock.release();
  });

  test('are not kept out where no socket can be made, which the log says', async () => {
    const directory = makeDirectory();
    const { listen } = Server.prototype;
    vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args) {
      const [{ path }] = args as unknown as [{ path: string }];
      if (path.startsWith('\0')) return Reflect.apply(listen, this, args) as Server;
      process.nextTick(() => this.emit('error', new Error('listen EPERM')));
      return this;
    });
    const { logger, lines } = capturedLog();
    const lock = dataDirectoryLock(directory, { logger });
    await lock.acquire();
    expect(lines).toMatchObject([{ level: 'warn', fields: { error: 'listen EPERM' } }]);
    await expect(dataDirectoryLock(directory).acquire()).rejects.toMatchObject({
      code: 'data_directory_locked',
    });
    await lock.release();
  });
});

test("workers of node:cluster do not share the lock as they would share a server's port", () => {
  const script = `
    import cluster from 'node:cluster';
    import { dataDirectoryLock } from ${JSON.stringify(built)};
    if (cluster.isPrimary) {
      const said = [];
      for (const _ of [1, 2]) cluster.fork().on('message', (word) => {
        if (said.push(word) < 2) return;
        console.log(said.sort().join(' '));
        process.exit();
      });
    } else {
      const say = (word) => process.send(word);
      dataDirectoryLock(process.env.directory).acquire().then(() => say('taken'), (e) => say(e.code));
      setInterval(() => {}, 1000);
    }`;
  const file = join(makeDirectory(), 'workers.mjs');
  writeFileSync(file, script);
  const env = { ...process.env, directory: makeDirectory() };
  const { stdout } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
  expect(stdout.trim()).toBe('data_directory_locked taken');
});
