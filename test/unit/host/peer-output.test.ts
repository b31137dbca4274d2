// Regions of files on their way to real sockets, by sendfile where this machine has it, and by copying.

import { type FileHandle, mkdtemp, open, rm, truncate, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Chunk, FileRegion } from '../../../src/base/payload.ts';
import { type NativeIo, nativeIoOrNull, type SendOutcome } from '../../../src/host/native-io.ts';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { PeerOutput, type RegionStats } from '../../../src/host/peer-output.ts';
import { FilePool } from '../../../src/storage/disk/file-pool.ts';
import { fileRegion } from '../../../src/storage/disk/file-region.ts';
import { eventually } from '../../support/eventually.ts';

const MIB = 1024 * 1024;
const native = nativeIoOrNull();

let directory: string;
let path: string;
let content: Buffer;
let pool: FilePool;
let stats: RegionStats;
const closers: (() => void)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-output-'));
  path = 'a.log';
  content = Buffer.allocUnsafe(3 * MIB);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at, at);
  const file: FileHandle = await open(join(directory, path), 'w');
  await file.write(content);
  await file.close();
  pool = new FilePool(new NodeDisk(directory, native), 4);
  stats = { sentByKernel: 0, sentByCopy: 0 };
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await pool.close();
  await rm(directory, { recursive: true, force: true });
});

/** A region that counts how often it was let go, the first time. */
async function region(from: number, bytes: number): Promise<FileRegion & { released: boolean }> {
  const pinned = await pool.acquire(path);
  const inner = fileRegion(pinned, from, bytes);
  return Object.create(inner, {
    released: { value: false, writable: true },
    release: {
      value() {
        this.released = true;
        inner.release();
      },
    },
  }) as FileRegion & { released: boolean };
}

interface Ends {
  readonly output: PeerOutput;
  readonly server: Socket;
  readonly client: Socket;
  /** All that the client has read. */
  received(): Buffer;
}

type Calls = Pick<NativeIo, 'send' | 'sendFile' | 'readCached'>;

async function pair(calls: Calls | null, host = '127.0.0.1'): Promise<Ends> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, host, resolve));
  const { port } = listener.address() as AddressInfo;
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  const client = connect(port, host);
  const server = await accepted;
  server.on('error', () => {});
  client.on('error', () => {});
  const parts: Buffer[] = [];
  client.on('data', (part: Buffer) => parts.push(part));
  closers.push(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  const output = new PeerOutput(server, calls === null ? null : { native: calls, stats });
  return { output, server, client, received: () => Buffer.concat(parts) };
}

function sendAll(output: PeerOutput, chunks: readonly Chunk[]): Promise<void> {
  return new Promise((resolve) => output.write(chunks, resolve));
}

const until = (condition: () => boolean): Promise<void> =>
  eventually(() => expect(condition()).toBe(true));

const ways: [string, Calls | null][] = [['copying', null]];
if (native !== null) ways.push(['sendfile', native]);

describe.each(ways)('%s', (_way, calls) => {
  test.each(['memory', 'a file'])(
    'progress within an answer from %s is to be seen',
    async (where) => {
      const { output, client } = await pair(calls);
      client.pause();
      const file = await region(0, 3 * MIB);
      // More than sockets hold, so that there is something left to be taken.
      const chunks =
        where === 'memory' ? [Buffer.alloc(64 * MIB)] : Array.from({ length: 20 }, () => file);
      let sent = false;
      output.write(chunks, () => {
        sent = true;
      });
      const settled = async (): Promise<number> => {
        for (let before = Number.NaN; before !== output.progress; ) {
          before = output.progress;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return output.progress;
      };
      const full = await settled();
      let left = 16 * MIB;
      client.on('data', (part: Buffer) => {
        left -= part.length;
        if (left < 0) client.pause();
      });
      client.resume();
      await until(() => output.progress !== full);
      expect(sent).toBe(false);
    },
  );

  test('header, regions and what lies between them arrive in order', async () => {
    const { output, received } = await pair(calls);
    const first = await region(100, 2 * MIB);
    const second = await region(7, 99_999);
    await sendAll(output, [
      Buffer.from('head'),
      first,
      Buffer.from('mid'),
      second,
      Buffer.from('end'),
    ]);
    const expected = Buffer.concat([
      Buffer.from('head'),
      content.subarray(100, 100 + 2 * MIB),
      Buffer.from('mid'),
      content.subarray(7, 7 + 99_999),
      Buffer.from('end'),
    ]);
    await until(() => received().length >= expected.length);
    expect(received().equals(expected)).toBe(true);
    expect([first.released, second.released]).toEqual([true, true]);
  });

  test('answers given at once leave in their order, though a client reads slowly', async () => {
    const { output, client, received } = await pair(calls);
    client.pause();
    const expected: Buffer[] = [];
    let sent = 0;
    for (let index = 0; index < 12; index++) {
      const head = Buffer.from(`answer ${index}`);
      if (index % 3 === 2) {
        output.write([head], () => sent++);
        expected.push(head);
        continue;
      }
      output.write([head, await region(index, MIB)], () => sent++);
      expected.push(head, content.subarray(index, index + MIB));
    }
    // The system takes a few megabytes; then it is the client's turn.
    expect(sent).toBeLessThan(12);
    client.resume();
    const all = Buffer.concat(expected);
    await until(() => received().length >= all.length && sent === 12);
    expect(received().equals(all)).toBe(true);
  });

  test('a client that leaves midway: everything is let go and told once', async () => {
    const { output, client } = await pair(calls);
    client.pause();
    const regions = [];
    let told = 0;
    for (let index = 0; index < 8; index++) {
      const one = await region(0, 3 * MIB);
      regions.push(one);
      output.write([Buffer.from('head'), one], () => told++);
    }
    expect(told).toBeLessThan(8);
    client.resetAndDestroy();
    await until(() => told === 8);
    expect(regions.every(({ released }) => released)).toBe(true);
    const late = await region(0, 10);
    await sendAll(output, [late]);
    expect(late.released).toBe(true);
    expect(told).toBe(8);
  });

  test('a file that was removed is sent to its end', async () => {
    const { output, client, received } = await pair(calls);
    client.pause();
    const one = await region(0, 3 * MIB);
    const sent = sendAll(output, [one, Buffer.from('end')]);
    pool.detach(path);
    await unlink(join(directory, path));
    client.resume();
    await sent;
    await until(() => received().length >= 3 * MIB + 3);
    expect(
      received()
        .subarray(0, 3 * MIB)
        .equals(content),
    ).toBe(true);
    expect(pool.openFiles).toBe(0);
  });

  test('a file that is too short ends the connection, and the process lives', async () => {
    const { output, client, server } = await pair(calls);
    const one = await region(0, 3 * MIB);
    await truncate(join(directory, path), MIB);
    await sendAll(output, [Buffer.from('head'), one]);
    await until(() => server.destroyed && client.destroyed);
    expect(one.released).toBe(true);
  });

  test('works over IPv6', async ({ skip }) => {
    const ends = await pair(calls, '::1').catch(() => null);
    if (ends === null) return skip();
    await sendAll(ends.output, [Buffer.from('head'), await region(0, 3 * MIB)]);
    await until(() => ends.received().length >= 3 * MIB + 4);
    expect(ends.received().subarray(4).equals(content)).toBe(true);
  });
});

describe('what the system may answer', () => {
  /** Calls that take little, nothing, or refuse, in turn. */
  function fickle(outcomes: SendOutcome[]): Calls & { sent: number } {
    if (native === null) throw new Error('needs sendfile');
    const real = native;
    const next = (most: number): SendOutcome => {
      const outcome = outcomes.shift() ?? most;
      return typeof outcome === 'number' ? Math.min(outcome, most) : outcome;
    };
    return {
      sent: 0,
      readCached: (file, into, position) => real.readCached(file, into, position),
      send(socket, bytes, more) {
        const outcome = next(bytes.byteLength);
        return typeof outcome === 'number'
          ? real.send(socket, bytes.subarray(0, outcome), more)
          : outcome;
      },
      sendFile(socket, file, position, bytes) {
        const outcome = next(bytes);
        if (typeof outcome !== 'number') return outcome;
        this.sent++;
        return real.sendFile(socket, file, position, outcome);
      },
    };
  }

  const cases: [string, SendOutcome[]][] = [
    ['parts of the header and of the file', [1, 2, 4, 1, 100, 3, 5000]],
    ['a socket that is full from the start', ['full', 'full', 10, 'full']],
    ['full in the middle, again and again', [4, 10, 'full', 20, 'full', 'full', 7, 'full']],
    ['sendfile that does not go here', [4, 'unsupported']],
    ['sendfile that stops going', [4, 5000, 'unsupported']],
  ];

  test.runIf(native !== null).each(cases)('%s', async (_name, outcomes) => {
    const { output, received } = await pair(fickle([...outcomes]));
    const answers = [];
    for (let index = 0; index < 3; index++) {
      answers.push(
        sendAll(output, [Buffer.from('head'), await region(index, 300_000), Buffer.from('end')]),
      );
    }
    await Promise.all(answers);
    const expected = Buffer.concat(
      [0, 1, 2].flatMap((from) => [
        Buffer.from('head'),
        content.subarray(from, from + 300_000),
        Buffer.from('end'),
      ]),
    );
    await until(() => received().length >= expected.length);
    expect(received().equals(expected)).toBe(true);
  });

  test.runIf(native !== null)('answers of one turn leave in one call', async () => {
    const calls = fickle([]);
    const sends: number[] = [];
    const counting: Calls = {
      ...calls,
      send(socket, bytes, more) {
        sends.push(bytes.byteLength);
        return calls.send(socket, bytes, more);
      },
    };
    const { output, received } = await pair(counting);
    const order: number[] = [];
    const answers = [0, 1, 2].map((index) =>
      sendAll(output, [Buffer.from(`head ${index} `), Buffer.from('body ')]).then(() => {
        order.push(index);
      }),
    );
    // One that is made a few microtasks later still belongs to this turn.
    await Promise.resolve();
    answers.push(sendAll(output, [Buffer.from('late')]));
    await Promise.all(answers);
    await until(() => received().length >= 40);
    expect(received().toString()).toBe('head 0 body head 1 body head 2 body late');
    expect(sends).toEqual([40]);
    expect(order).toEqual([0, 1, 2]);
  });

  test.runIf(native !== null)('no complete answer waits for the file of the next', async () => {
    const calls = fickle([]);
    const sends: [string, boolean][] = [];
    const { output, received } = await pair({
      ...calls,
      send(socket, bytes, more) {
        sends.push([bytes.toString(), more]);
        return calls.send(socket, bytes, more);
      },
    });
    const one = await region(0, 20_000);
    await Promise.all([
      sendAll(output, [Buffer.from('a')]),
      sendAll(output, [Buffer.from('b')]),
      sendAll(output, [Buffer.from('head'), one, Buffer.from('end')]),
    ]);
    await until(() => received().length >= 20_009);
    expect(sends).toEqual([
      ['ab', false],
      ['head', true],
      ['end', false],
    ]);
  });

  test.runIf(native !== null)('long answers are not joined to others', async () => {
    const { output, received } = await pair(fickle([]));
    const long = Buffer.alloc(100_000, 'x');
    const one = await region(0, 20_000);
    await Promise.all([
      sendAll(output, [Buffer.from('a')]),
      sendAll(output, [long]),
      sendAll(output, [Buffer.from('b'), one]),
      sendAll(output, [Buffer.from('c')]),
    ]);
    const expected = Buffer.concat([
      Buffer.from('a'),
      long,
      Buffer.from('b'),
      content.subarray(0, 20_000),
      Buffer.from('c'),
    ]);
    await until(() => received().length >= expected.length);
    expect(received().equals(expected)).toBe(true);
  });

  test.runIf(native !== null)('a broken connection is closed', async () => {
    const { output, server } = await pair(fickle([4, 1000, 'failed']));
    const one = await region(0, MIB);
    await sendAll(output, [Buffer.from('head'), one]);
    expect(server.destroyed).toBe(true);
    expect(one.released).toBe(true);
  });

  test.runIf(native !== null)('most bytes of a hot file are not copied', async () => {
    const { output, received } = await pair(native);
    await sendAll(output, [Buffer.from('head'), await region(0, 3 * MIB)]);
    await until(() => received().length >= 3 * MIB + 4);
    expect(stats.sentByKernel + stats.sentByCopy).toBe(3 * MIB);
    expect(stats.sentByKernel).toBeGreaterThan(stats.sentByCopy);
  });

  test.runIf(native !== null)(
    'what is not in the page cache is read off the event loop',
    async () => {
      const calls = fickle([]);
      const { output, received } = await pair(calls);
      const cold = Object.create(await region(0, MIB), {
        isCached: { value: (from: number) => from >= MIB / 2 },
      }) as FileRegion;
      await sendAll(output, [Buffer.from('head'), cold]);
      await until(() => received().length >= MIB + 4);
      expect(received().subarray(4).equals(content.subarray(0, MIB))).toBe(true);
      expect(stats.sentByCopy).toBeGreaterThanOrEqual(MIB / 2);
      expect(calls.sent).toBeGreaterThan(0);
    },
  );
});

test('a fault of ours in the output to one peer ends its connection and keeps no other from its answer', async () => {
  const faulty: Calls = {
    send: () => {
      throw new Error('not in this process');
    },
    sendFile: () => 'unsupported',
    readCached: () => -1,
  };
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const [one, other] = [await pair(faulty), await pair(null)];
  const sent = Promise.all([
    sendAll(one.output, [Buffer.from('lost')]),
    sendAll(other.output, [Buffer.from('told')]),
  ]);
  await sent;
  await until(() => other.received().length === 4);
  expect(one.server.destroyed).toBe(true);
  expect(other.server.destroyed).toBe(false);
  expect((await warned).message).toContain('not in this process');
});

describe('a peer that does not read', () => {
  test('holds one piece in memory, however much it has asked for', async () => {
    const { output, client } = await pair(null);
    client.pause();
    let loaded = 0;
    for (let index = 0; index < 10; index++) {
      const inner = await region(0, 3 * MIB);
      const counting = Object.create(inner, {
        load: {
          value: (from: number, bytes: number) => {
            loaded += bytes;
            return inner.load(from, bytes);
          },
        },
      }) as FileRegion;
      output.write([counting], () => {});
    }
    let before = -1;
    await until(() => {
      const still = loaded === before && loaded > 0;
      before = loaded;
      return still;
    });
    // The system's own buffers take a few megabytes, and no more is read than they and one piece.
    expect(loaded).toBeLessThan(15 * MIB);
  });
});
