import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { type Cluster, openBatchSender } from '../../../src/client/index.ts';
import { BatchField, BatchHeader, buildBatch, verifyBatch } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

interface Asked {
  readonly topicData: readonly { partitionData: readonly { index: number; records: Buffer }[] }[];
}

/** A broker in this process that writes offsets into what it is given, and refuses the first `refusals` batches. */
function inProcess(refusals: number) {
  const clock = new VirtualClock();
  const troubles: [string, number][] = [];
  const given: { readonly memory: Buffer; readonly bytes: Buffer }[] = [];
  const send = async (_api: unknown, { topicData }: Asked) => {
    const memory = topicData[0]?.partitionData[0]?.records ?? Buffer.alloc(0);
    given.push({ memory, bytes: Buffer.from(memory) });
    memory.writeBigInt64BE(57n, BatchField.baseOffset);
    const errorCode = given.length <= refusals ? ErrorCode.KAFKA_STORAGE_ERROR : 0;
    return { responses: [{ partitionResponses: [{ index: 0, errorCode, baseOffset: 57 }] }] };
  };
  const cluster = {
    clock,
    topic: async () => ({ id: 'id' }),
    knownLeader: () => ({ node: { id: 0 }, topicId: 'id' }),
    forget() {},
    hearTrouble: (error: unknown, leftMs: number) => troubles.push([String(error), leftMs]),
    to: () => ({ send }),
  };
  return { clock, given, troubles, cluster: cluster as unknown as Cluster };
}

test('a batch that goes again is as it was, whatever a broker in this process wrote into it', async () => {
  const { clock, given, troubles, cluster } = inProcess(2);
  const identity = { producerId: 7, producerEpoch: 0 };
  const sender = await openBatchSender(cluster, { topic: 't', identity });
  const landed: unknown[] = [];
  const bytes = buildBatch([{ timestamp: 1000, key: null, value: Buffer.from('value') }]);
  void sender.send(0, bytes, (error, offset) => landed.push(error ?? offset));
  await clock.until(sender.flush());
  expect(landed).toEqual([57]);
  expect(given).toHaveLength(3);
  const storage = expect.stringContaining('KAFKA_STORAGE_ERROR');
  expect(troubles).toEqual([
    [storage, 120_000],
    [storage, 119_900],
  ]);
  const [first] = given;
  for (const { bytes: sent } of given) expect(sent.equals(first?.bytes ?? bytes)).toBe(true);
  expect(new Set(given.map(({ memory }) => memory)).size).toBe(3);
});

/** A broker that answers when it is told to, and remembers what it was asked. */
function patient(copies: boolean) {
  const clock = new VirtualClock();
  const requests: {
    readonly sequences: ReadonlyMap<number, number>;
    answer(code?: number): void;
  }[] = [];
  const send = (_api: unknown, { topicData }: Asked) =>
    new Promise((resolve) => {
      const batches = topicData[0]?.partitionData ?? [];
      for (const { records } of batches) verifyBatch(records);
      requests.push({
        sequences: new Map(
          batches.map(({ index, records }) => [index, new BatchHeader(records).baseSequence]),
        ),
        answer: (errorCode = 0) =>
          resolve({
            responses: [
              {
                partitionResponses: batches.map(({ index }) => ({
                  index,
                  errorCode,
                  baseOffset: 0,
                })),
              },
            ],
          }),
      });
    });
  const cluster = {
    clock,
    topic: async () => ({ id: 'id' }),
    knownLeader: () => ({ node: { id: 0 }, topicId: 'id' }),
    leader: async () => ({ node: { id: 0 } }),
    forget() {},
    hearTrouble() {},
    copies,
    to: () => ({ send }),
  };
  return { clock, requests, cluster: cluster as unknown as Cluster };
}

const identity = { producerId: 7, producerEpoch: 0 };
const one = (): Buffer => buildBatch([{ timestamp: 1, key: null, value: Buffer.from('value') }]);
const settled = (clock: VirtualClock): Promise<void> =>
  clock.until(
    new Promise<void>((resolve) => {
      clock.setTimer(1, resolve);
    }),
  );

test('a request has one batch of each partition, the first of each goes alone, then five may be unanswered', async () => {
  const { clock, requests, cluster } = patient(true);
  const sender = await openBatchSender(cluster, { topic: 't', identity });
  for (let n = 0; n < 9; n++) {
    for (const partition of [0, 1, 2]) void sender.send(partition, one(), () => {});
  }
  await settled(clock);
  const asked = (): [number, number][][] => requests.map((request) => [...request.sequences]);
  const all = (sequence: number) => [0, 1, 2].map((partition) => [partition, sequence]);
  expect(asked()).toEqual([all(0)]);
  requests[0]?.answer();
  await settled(clock);
  expect(asked()).toEqual([0, 1, 2, 3, 4, 5].map(all));
  requests[1]?.answer();
  await settled(clock);
  expect(asked()).toEqual([0, 1, 2, 3, 4, 5, 6].map(all));
});

test('memory is given back once its batch landed, where the broker has a copy of it', async () => {
  for (const copies of [true, false]) {
    const { clock, requests, cluster } = patient(copies);
    const sender = await openBatchSender(cluster, { topic: 't', identity });
    const heard: string[] = [];
    void sender.send(
      0,
      one(),
      () => heard.push('landed'),
      () => heard.push('free'),
    );
    await settled(clock);
    expect(heard).toEqual([]);
    requests[0]?.answer();
    await clock.until(sender.flush());
    await settled(clock);
    expect(heard).toEqual(copies ? ['landed', 'free'] : ['landed']);
  }
});

test('memory of a refused batch is not given back', async () => {
  const { clock, requests, cluster } = patient(true);
  const sender = await openBatchSender(cluster, { topic: 't', identity });
  const heard: unknown[] = [];
  void sender.send(
    0,
    one(),
    (error) => heard.push(error?.message),
    () => heard.push('free'),
  );
  await settled(clock);
  requests[0]?.answer(ErrorCode.INVALID_RECORD);
  await clock.until(sender.flush());
  expect(heard).toEqual(['t-0: INVALID_RECORD']);
});
