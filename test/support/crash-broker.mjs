// A broker that kills itself at one named I/O point: a child process of the crash tests. It is plain JavaScript over the
// built project, because it runs outside of the test runner, which alone could load TypeScript.
//
// Standard input, one JSON line: { directory, port, configs, fault } with fault null or
// { point: '<kind> <operation>', occurrence, when: 'before' | 'torn' | 'after' }; then `stop` for an orderly stop.
// Standard output, JSON lines: { port } once it serves; after an orderly stop { reached }, how often each point was
// reached while opening, serving and closing.

import { createInterface } from 'node:readline';
import { assembleBroker } from '../../dist/src/compose/index.js';
import { consoleLogger } from '../../dist/src/host/console-logger.js';
import { dataDirectoryLock } from '../../dist/src/host/data-lock.js';
import { nodeClock } from '../../dist/src/host/node-clock.js';
import { NodeDisk } from '../../dist/src/host/node-disk.js';
import { nodeRandom } from '../../dist/src/host/node-random.js';
import { listenTcp } from '../../dist/src/host/tcp-server.js';
import { InPlaceCompactionRunner } from '../../dist/src/storage/index.js';

/** What a path below the data directory is, without the numbers and names that change. */
function kindOf(path) {
  const parts = path.split('/');
  const name = parts[parts.length - 1];
  if (path === '.' || path === '') return 'data-directory';
  if (parts[0] === 'quarantine') return parts.length < 3 ? 'quarantine-directory' : 'quarantine';
  if (parts[0] === 'journal') return parts.length < 2 ? 'journal-directory' : 'journal';
  if (parts[0] === 'catalogue') {
    return parts.length < 2 ? 'catalogue-directory' : `catalogue${name.replace(/^\d+/, '')}`;
  }
  if (/-delete$/.test(parts[0])) return 'deleted-directory';
  if (parts.length === 1) return /-\d+$/.test(name) ? 'partition-directory' : name;
  return name.replace(/^\d+\./, '.');
}

let fault = null;
let phase = 'open';
const reached = { open: {}, serve: {}, close: {} };
const counts = new Map();

function die() {
  process.kill(process.pid, 'SIGKILL');
}

/** Runs one operation with the fault around it, when it is its turn. `tear` does half of it. */
async function at(path, operation, run, tear) {
  const point = `${kindOf(path)} ${operation}`;
  reached[phase][point] = (reached[phase][point] ?? 0) + 1;
  const count = (counts.get(point) ?? 0) + 1;
  counts.set(point, count);
  if (fault === null || fault.point !== point || fault.occurrence !== count) return run();
  if (fault.when === 'before') return die();
  if (fault.when === 'torn' && tear !== undefined) {
    await tear();
    return die();
  }
  await run();
  return die();
}

class FaultyFile {
  constructor(file, path) {
    this.file = file;
    this.name = path;
    this.path = file.path;
    this.descriptor = file.descriptor;
  }
  read(into, position) {
    return this.file.read(into, position);
  }
  write(parts, position) {
    const tear = () => {
      const bytes = Buffer.concat(parts);
      return this.file.write([bytes.subarray(0, Math.ceil(bytes.length / 2))], position);
    };
    return at(this.name, 'write', () => this.file.write(parts, position), tear);
  }
  datasync() {
    return at(this.name, 'datasync', () => this.file.datasync());
  }
  truncate(bytes) {
    return at(this.name, 'truncate', () => this.file.truncate(bytes));
  }
  size() {
    return this.file.size();
  }
  close() {
    return this.file.close();
  }
}

class FaultyDisk {
  constructor(disk) {
    this.disk = disk;
  }
  async open(path, mode) {
    const open = () => this.disk.open(path, mode);
    const file = mode === 'create' ? await at(path, 'create', open) : await open();
    return new FaultyFile(file, path);
  }
  list(path) {
    return this.disk.list(path);
  }
  stat(path) {
    return this.disk.stat(path);
  }
  freeBytes(path) {
    return this.disk.freeBytes(path);
  }
  makeDirectory(path) {
    return at(path, 'make-directory', () => this.disk.makeDirectory(path));
  }
  rename(from, to) {
    return at(from, 'rename', () => this.disk.rename(from, to));
  }
  remove(path) {
    return at(path, 'remove', () => this.disk.remove(path));
  }
  removeDirectory(path) {
    return at(path, 'remove-directory', () => this.disk.removeDirectory(path));
  }
  syncDirectory(path) {
    return at(path, 'sync-directory', () => this.disk.syncDirectory(path));
  }
}

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function start(orders) {
  fault = orders.fault;
  const root = orders.directory;
  const disk = new FaultyDisk(new NodeDisk(root));
  const logger = consoleLogger({ level: 'warn' });
  const assembled = await assembleBroker(
    { disk, root, clock: nodeClock, random: nodeRandom, logger },
    {
      config: new Map(Object.entries(orders.configs)),
      memory: false,
      advertise: null,
      acceptReplicationFactor: false,
      compactionRunner: new InPlaceCompactionRunner(disk, nodeClock),
      store: { lock: dataDirectoryLock(root) },
    },
  );
  const { broker } = assembled;
  const listener = await listenTcp({
    hosts: ['127.0.0.1'],
    port: orders.port,
    accept: (peer) => broker.accept(peer),
  });
  broker.setListenEndpoint(listener.addresses[0]);
  phase = 'serve';
  await broker.start();
  say({ port: listener.addresses[0].port });
  return async () => {
    phase = 'close';
    await listener.close();
    await assembled.close(1_000);
    say({ reached });
    process.exit(0);
  };
}

process.on('unhandledRejection', (error) => {
  process.stderr.write(`unhandled: ${error?.stack ?? error}\n`);
  process.exit(3);
});
let stop;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') {
    const ready = await stop;
    await ready();
  } else {
    stop = start(JSON.parse(line));
  }
}
// The parent is gone.
process.exit(4);
