import { describe, expect, test } from 'vitest';
import {
  ApiVersions,
  apiByKey,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  Fetch,
  FrameSplitter,
  Metadata,
  Produce,
  ProtocolError,
  parseRequest,
  peekCorrelationId,
  Reader,
  Writer,
} from '../../../src/protocol/index.ts';

const join = (chunks: readonly unknown[]): Buffer => Buffer.concat(chunks as Buffer[]);
const find = (key: number, version: number) => {
  const api = apiByKey(key);
  return api && version >= api.versions[0] && version <= api.versions[1] ? api : null;
};

describe('requests and responses', () => {
  test('a request has no more array elements than a broker can hold, though its frame could', () => {
    const manyTopics = (count: number): Buffer => {
      const topics = Buffer.alloc(count * 2, Buffer.from([1, 0]));
      const body = new Writer();
      body.unsignedVarint(count + 1);
      body.raw(topics);
      body.raw(Buffer.from([0, 0, 0, 0]));
      return body.toBuffer();
    };
    const decoded = (count: number) => decodeRequest(Metadata, 9, new Reader(manyTopics(count)));
    expect(decoded(1_048_576).topics).toHaveLength(1_048_576);
    expect(() => decoded(1_048_577)).toThrow('more array elements than are allowed');
    // A response may name more: whoever asked wants to know.
    const brokers = Buffer.alloc(1_048_577 * 11);
    const head = Buffer.alloc(8);
    head.writeInt32BE(1_048_577, 4);
    const answer = Buffer.concat([head, brokers, Buffer.alloc(4)]);
    expect(decodeResponse(Metadata, 0, answer).brokers).toHaveLength(1_048_577);
  });

  test('a Metadata v1 request has the bytes that the protocol guide describes', () => {
    const frame = join(
      encodeRequest(Metadata, 1, { correlationId: 7, clientId: 'me' }, { topics: [{ name: 'a' }] }),
    );
    expect(frame.toString('hex')).toBe(
      ['00000013', '0003', '0001', '00000007', '00026d65', '00000001', '000161'].join(''),
    );
  });

  test('a flexible request has header v2, compact lengths and tag sections', () => {
    const frame = join(
      encodeRequest(Metadata, 9, { correlationId: 7, clientId: null }, { topics: null }),
    );
    // length, key, version, correlation id, null client id, no tags; null topics, three booleans,
    // no tags
    expect(frame.toString('hex')).toBe(
      ['00000010', '0003', '0009', '00000007', 'ffff', '00', '00', '01', '00', '00', '00'].join(''),
    );
  });

  test('a request comes back as it was sent', () => {
    const frame = join(
      encodeRequest(
        Produce,
        9,
        { correlationId: 3, clientId: 'c' },
        {
          acks: -1,
          timeoutMs: 5,
          topicData: [{ name: 't', partitionData: [{ index: 1, records: Buffer.alloc(4096, 5) }] }],
        },
      ),
    );
    const request = parseRequest(frame.subarray(4), find);
    expect(request.api).toBe(Produce);
    if (request.api === null) return;
    expect(request.clientId).toBe('c');
    const body = decodeRequest(Produce, request.apiVersion, request.reader);
    expect(body.topicData[0]?.partitionData[0]?.records).toEqual(Buffer.alloc(4096, 5));
    expect(body.transactionalId).toBeNull();
  });

  test('an unknown version is reported with the correlation id, whatever follows', () => {
    const frame = Buffer.from('00120063000000ffdeadbeef', 'hex');
    expect(parseRequest(frame, find)).toEqual({
      api: null,
      apiKey: 18,
      apiVersion: 99,
      correlationId: 255,
    });
  });

  test('a flexible response has header v1, but ApiVersions keeps v0', () => {
    const apiVersions = join(encodeResponse(ApiVersions, 3, 9, { errorCode: 0, apiKeys: [] }));
    expect(apiVersions.toString('hex')).toBe('0000000c0000000900000100000000' + '00');
    const fetch = join(encodeResponse(Fetch, 12, 9, { throttleTimeMs: 0, responses: [] }));
    expect(fetch.subarray(4, 9).toString('hex')).toBe('0000000900');
    expect(peekCorrelationId(fetch.subarray(4))).toBe(9);
    expect(decodeResponse(Fetch, 12, fetch.subarray(4)).responses).toEqual([]);
  });

  test('large records leave by reference, file regions too', () => {
    const memory = Buffer.alloc(5000, 1);
    const region = {
      byteLength: 100,
      source: null,
      isCached: () => false,
      warm: () => Promise.resolve(),
      load: () => Promise.resolve(Buffer.alloc(100, 2)),
      release() {},
    };
    const partition = { errorCode: 0, highWatermark: 0, abortedTransactions: null };
    const chunks = encodeResponse(Fetch, 12, 1, {
      throttleTimeMs: 0,
      responses: [
        {
          topic: 't',
          partitions: [
            { ...partition, partitionIndex: 0, records: memory },
            { ...partition, partitionIndex: 1, records: region },
          ],
        },
      ],
    });
    expect(chunks.includes(memory)).toBe(true);
    expect(chunks.includes(region)).toBe(true);
    const length = chunks.reduce((total, chunk) => total + chunk.byteLength, 0);
    expect((chunks[0] as Buffer).readInt32BE(0)).toBe(length - 4);
    const bytes = chunks.map((chunk) => (chunk === region ? Buffer.alloc(100, 2) : chunk));
    const decoded = decodeResponse(Fetch, 12, join(bytes).subarray(4));
    expect(decoded.responses[0]?.partitions.map((p) => p.records?.byteLength)).toEqual([5000, 100]);
  });
});

describe('FrameSplitter', () => {
  const frames = [Buffer.from('abc'), Buffer.alloc(0), Buffer.alloc(300, 7), Buffer.from('z')];
  const stream = Buffer.concat(
    frames.flatMap((frame) => {
      const prefix = Buffer.alloc(4);
      prefix.writeInt32BE(frame.byteLength);
      return [prefix, frame];
    }),
  );

  test.each([1, 2, 3, 5, 7, 64, 1000])('finds the frames in chunks of %i bytes', (size) => {
    const splitter = new FrameSplitter(300);
    const found: Buffer[] = [];
    for (let at = 0; at < stream.byteLength; at += size) {
      splitter.push(stream.subarray(at, at + size));
      for (let frame = splitter.next(); frame !== null; frame = splitter.next()) found.push(frame);
    }
    expect(found).toEqual(frames);
    expect(splitter.pendingBytes).toBe(0);
  });

  test('does not copy a frame that came in one piece', () => {
    const splitter = new FrameSplitter(1000);
    splitter.push(stream);
    expect(splitter.next()?.buffer).toBe(stream.buffer);
  });

  test.each([301, 0x7fffffff, -1])('refuses a length of %i', (length) => {
    const splitter = new FrameSplitter(300);
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(length);
    splitter.push(prefix.subarray(0, 3));
    expect(splitter.next()).toBeNull();
    splitter.push(prefix.subarray(3));
    expect(() => splitter.next()).toThrow(ProtocolError);
  });
});
