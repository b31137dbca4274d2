// The bare client does not wait for ever for a broker that says nothing.

import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { RawClient } from '../../../bench/load/raw-client.ts';
import { freePort } from '../../../bench/peers/index.ts';
import { Metadata } from '../../../src/protocol/index.ts';

test('a request without an answer fails', async () => {
  const port = await freePort();
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const client = await RawClient.connect(port, 50);
  try {
    const asked = client.send(Metadata, 4, { topics: [] });
    expect(client.pending).toBe(true);
    await expect(asked).rejects.toThrow('Metadata: no answer came in time');
    expect(client.pending).toBe(false);
  } finally {
    client.close();
    server.close();
  }
});
