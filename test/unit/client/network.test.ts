// The share of a broker in the same process that somebody closes by himself.

import { expect, test } from 'vitest';
import { singleNetwork } from '../../../src/client/index.ts';
import { Metadata, type SendOptions, type Transport } from '../../../src/protocol/index.ts';

/** Listens for the end of each request, as a broker in the same process does, and never answers. */
const silent: Transport = {
  send: (...[, , options]: readonly [unknown, unknown, SendOptions?]) =>
    new Promise<never>((_, reject) => {
      const { signal } = options ?? {};
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  versions: () => Promise.resolve([0, 1]),
  close: () => Promise.resolve(),
};

test('many requests under way are no leak to warn of, and all end with it', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on('warning', hear);
  const [share] = singleNetwork(silent).fork().entries();
  const asked = Array.from({ length: 20 }, () => share?.send(Metadata, { topics: [] }));
  const ends = Promise.allSettled(asked);
  await new Promise(setImmediate);
  await share?.close();
  const closed = { status: 'rejected', reason: { code: 'closed' } };
  expect(await ends).toMatchObject(asked.map(() => closed));
  await expect(share?.send(Metadata, { topics: [] })).rejects.toMatchObject({ code: 'closed' });
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});
