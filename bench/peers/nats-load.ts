// The client of the NATS rows, in a process of its own: publishes to a JetStream stream with nats.js and waits for
// every acknowledgement. `node nats-load.js FOLDER PORT SECONDS WARMUP BYTES CONNECTIONS IN_FLIGHT`: so many
// connections, each with so many publishes under way. Prints one JSON document, as load.c does.

import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What is used of nats.js; the package is not a dependency of this project. */
interface Connection {
  close(): Promise<void>;
}
interface JetStream {
  publish(subject: string, payload: Uint8Array): Promise<unknown>;
}
interface Nats {
  connect(options: { readonly servers: string }): Promise<Connection>;
  jetstream(connection: Connection): JetStream;
  jetstreamManager(connection: Connection): Promise<{
    readonly streams: { add(config: object): Promise<unknown> };
  }>;
}

const [folder = '', port = '', ...numbers] = process.argv.slice(2);
const [seconds = 1, warmUpSeconds = 0, bytes = 1024, connections = 1, inFlight = 1] =
  numbers.map(Number);
const load = createRequire(join(folder, 'index.js'));
const nats: Nats = { ...load('@nats-io/transport-node'), ...load('@nats-io/jetstream') };

const payload = Buffer.alloc(bytes, 'v');
const buckets = new Map<number, number>();
const began = performance.now();
const from = began + warmUpSeconds * 1000;
const until = from + seconds * 1000;
let requests = 0;
let failed = 0;

async function publishOn(stream: JetStream): Promise<void> {
  for (let sent = performance.now(); sent < until; sent = performance.now()) {
    try {
      await stream.publish('bench', payload);
    } catch {
      failed += 1;
      continue;
    }
    const now = performance.now();
    if (sent < from || now >= until) continue;
    requests += 1;
    const us = Number(((now - sent) * 1000).toPrecision(3));
    buckets.set(us, (buckets.get(us) ?? 0) + 1);
  }
}

const servers = `127.0.0.1:${port}`;
const open = await Promise.all(
  Array.from({ length: connections }, () => nats.connect({ servers })),
);
const [first] = open;
if (first === undefined) throw new Error('no connection');
const manager = await nats.jetstreamManager(first);
await manager.streams.add({ name: 'bench', subjects: ['bench'], storage: 'file' });
await Promise.all(
  open.flatMap((connection) => {
    const stream = nats.jetstream(connection);
    return Array.from({ length: inFlight }, () => publishOn(stream));
  }),
);
for (const connection of open) await connection.close();
const histogram = [...buckets].sort(([a], [b]) => a - b);
process.stdout.write(`${JSON.stringify({ requests, failed, seconds, histogram })}\n`);
