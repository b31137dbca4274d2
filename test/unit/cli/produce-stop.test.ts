// A signal to `tidemark produce`: the run ends soon, whatever the broker does, and says what became of the records.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ErrorCode } from '../../../src/base/kafka-errors.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { ProduceRun } from '../../../src/cli/produce/run.ts';
import { endingOf } from '../../../src/cli/stop-signal.ts';
import { Cluster, Producer, tcpNetwork } from '../../../src/client/index.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import { InitProducerId, Metadata, Produce } from '../../../src/protocol/index.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeBroker, metadataBody } from '../client/fake-broker.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const silentIo: CliIo = {
  data: () => Promise.resolve(),
  say: () => {},
  progress: () => {},
  dataIsTerminal: false,
  wordsAreTerminal: false,
  inputIsTerminal: false,
};

/** A run whose broker answers each batch with this code. */
function runAgainst(
  errorCode: number,
  { io = silentIo as CliIo, typed = false, quiet = true } = {},
) {
  const broker: FakeBroker = new FakeBroker(({ api, body }) => {
    switch (api.key) {
      case Metadata.key:
        return metadataBody('t', 1);
      case InitProducerId.key:
        return { errorCode: 0, producerId: 1, producerEpoch: 0 };
      case Produce.key: {
        const partitionResponses = [{ index: 0, errorCode, baseOffset: 0 }];
        const [topic] = (body as unknown as { topicData: { topicId: string }[] }).topicData;
        return { responses: [{ ...topic, name: 't', partitionResponses }] };
      }
      default:
        throw new Error(`unexpected ${api.name}`);
    }
  });
  const shared = { clock: nodeClock, random: new SeededRandom(7) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const cluster = new Cluster({ network: tcpNetwork([{ host: 'fake', port: 1 }], tcp), ...shared });
  const stop = new AbortController();
  const { givenUp } = endingOf(stop.signal);
  const producer = new Producer(cluster, { key: 'buffer', value: 'buffer', signal: givenUp });
  const options = { topic: 't', quiet, typed, rate: null, json: false, stop: stop.signal };
  const run = new ProduceRun(io, producer, options);
  const all = (lines: AsyncIterable<Buffer>) =>
    run.all(lines, (value) => ({ key: null, value, headers: [] }));
  return { broker, stop, run, all };
}

async function* lines(afterwards: Promise<void>): AsyncGenerator<Buffer> {
  yield Buffer.from('one');
  yield Buffer.from('two');
  await afterwards;
}

const never = new Promise<void>(() => {});

test('input that never lets up leaves the event loop its turns', async () => {
  vi.useRealTimers();
  const { stop, run, all } = runAgainst(ErrorCode.NONE);
  async function* endless(): AsyncGenerator<Buffer> {
    for (let line = 0; line < 100_000; line += 1) yield Buffer.from('y');
    throw new Error('nobody was told to stop');
  }
  setImmediate(() => stop.abort());
  await all(endless());
  await expect(run.report(false)).rejects.toMatchObject({ exitCode: 130, message: 'interrupted' });
});

test.each([
  ['while it reads', never],
  ['once everything is read', Promise.resolve()],
])('%s, a broker that refuses keeps nobody waiting', async (_, afterwards) => {
  const { broker, stop, run, all } = runAgainst(ErrorCode.KAFKA_STORAGE_ERROR);
  const ended = all(lines(afterwards));
  await eventually(() => expect(broker.of(Produce)).not.toEqual([]));
  stop.abort();
  await vi.advanceTimersByTimeAsync(10_000);
  await ended;
  await expect(run.report(false)).rejects.toMatchObject({
    exitCode: 130,
    message: 'interrupted (2 records not acknowledged)',
    nextStep: expect.stringContaining('may be written all the same'),
  });
});

test.each([
  [false, 'shown'],
  [true, 'not drawn over what somebody types'],
])('progress, with lines that are typed: %s, is %s', async (typed) => {
  vi.useRealTimers();
  const drawn: string[] = [];
  const io = { ...silentIo, wordsAreTerminal: true, progress: (text: string) => drawn.push(text) };
  const { all } = runAgainst(ErrorCode.NONE, { io, typed, quiet: false });
  await all(lines(Promise.resolve()));
  expect(drawn.some((text) => text !== '')).toBe(!typed);
});
