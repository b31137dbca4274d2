import { expect, test } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { type Cluster, openBatchSender } from '../../../src/client/index.ts';
import { BatchField, buildBatch } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

interface Asked {
  readonly topicData: readonly { partitionData: readonly { index: number; records: Buffer }[] }[];
}

/** A broker in this process that writes offsets into what it is given, and refuses the first `refusals` batches. */
function inProcess(refusals: number) {
  const clock = new VirtualClock();
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
    leader: async () => ({ node: {} }),
    forget() {},
    to: () => ({ send }),
  };
  return { clock, given, cluster: cluster as unknown as Cluster };
}

test('a batch that goes again is as it was, whatever a broker in this process wrote into it', async () => {
  const { clock, given, cluster } = inProcess(2);
  const identity = { producerId: 7, producerEpoch: 0 };
  const sender = await openBatchSender(cluster, { topic: 't', identity });
  const landed: unknown[] = [];
  const bytes = buildBatch([{ timestamp: 1000, key: null, value: Buffer.from('value') }]);
  void sender.send(0, bytes, (error, offset) => landed.push(error ?? offset));
  await clock.until(sender.flush());
  expect(landed).toEqual([57]);
  expect(given).toHaveLength(3);
  const [first] = given;
  for (const { bytes: sent } of given) expect(sent.equals(first?.bytes ?? bytes)).toBe(true);
  expect(new Set(given.map(({ memory }) => memory)).size).toBe(3);
});
