// A batch through the engine in this process, without sockets: validation, offsets, producer state, segment and index,
// until it is answered. In memory, so that no disk is in it.

import { Bench } from 'tinybench';
import { serveAlone } from '../../src/compose/serve-alone.ts';
import { buildBatch } from '../../src/record/index.ts';
import type { Timing } from './timing.ts';

const AT_ONCE = 32;
/** Old segments go at once: memory stays flat. */
const configs = {
  'log.segment.bytes': 16 * 1024 * 1024,
  'log.retention.bytes': 32 * 1024 * 1024,
  'log.retention.check.interval.ms': 100,
};

const shapes = [
  { name: '1 x 100 B', records: 1, bytes: 100 },
  { name: '100 x 100 B', records: 100, bytes: 100 },
  { name: '64 x 1 KiB', records: 64, bytes: 1024 },
];

/** An operation is one batch, answered with acks=all; or 32 of them at once. */
export async function appendSuite(timing: Timing): Promise<Bench> {
  const bench = new Bench(timing);
  const broker = await serveAlone({ memory: true, port: 0, configs });
  const { engine } = broker;
  await engine.createTopic({ name: 'micro', partitions: 1 });
  const partition = engine.partition('micro', 0);
  if (partition === undefined) throw new Error('the topic has no partition');
  for (const { name, records, bytes } of shapes) {
    const value = Buffer.alloc(bytes, 'a value of a record ');
    const timestamp = Date.now();
    const batch = buildBatch(
      Array.from({ length: records }, () => ({ timestamp, key: null, value })),
    );
    // The engine takes what it is given: each append gets a copy, as each request brings bytes of its own.
    const append = (): Promise<unknown> =>
      partition.append({ records: Buffer.from(batch), acks: -1, origin: 'client' });
    bench.add(`append ${name}`, async () => {
      await append();
    });
    bench.add(`append ${AT_ONCE} batches of ${name} at once`, async () => {
      await Promise.all(Array.from({ length: AT_ONCE }, append));
    });
  }
  bench.addEventListener('complete', () => {
    broker.close().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  });
  return bench;
}
