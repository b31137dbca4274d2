// Who hears of trouble that a consumer bears: its own listener, else the client's, else the process.

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { Complaint } from '../../../../src/client/consumer/complaint.ts';
import { Consumer } from '../../../../src/client/consumer/consumer.ts';
import { Cluster, type ClusterOptions, singleNetwork } from '../../../../src/client/index.ts';
import type { Transport } from '../../../../src/protocol/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

const never = (): Promise<never> => new Promise(() => {});
const transport: Transport = { send: never, versions: never, close: () => Promise.resolve() };
const missing = new Error("there is no topic 'ordres'");

function make(options: Partial<ClusterOptions> = {}, onTrouble?: (error: unknown) => void) {
  const clock = new VirtualClock();
  const warned: string[] = [];
  const cluster = new Cluster({
    network: singleNetwork(transport),
    clock,
    random: new SeededRandom(1),
    warn: (message) => void warned.push(message),
    ...options,
  });
  const whose = { onTrouble, topics: ['ordres'], assign: undefined, group: 'billing' };
  const complaint = new Complaint(cluster, whose);
  return { complaint, clock, warned };
}

/** Trouble every second. */
async function trouble({ complaint, clock }: ReturnType<typeof make>, seconds: number) {
  for (let n = 0; n < seconds; n++) {
    complaint.hear(missing);
    await clock.advance(1_000);
  }
}

describe('nobody listens', () => {
  test('the process is warned once, when it has lasted', async () => {
    const made = make();
    await trouble(made, 5);
    expect(made.warned).toEqual([]);
    await trouble(made, 60);
    expect(made.warned).toEqual([
      "a consumer of ordres in group 'billing' has waited for 5 s and goes on: there is no topic 'ordres'. " +
        'Give the consumer, or the client, onTrouble to hear of it instead',
    ]);
  });

  test('trouble now and then is none', async () => {
    const made = make();
    for (let n = 0; n < 10; n++) {
      made.complaint.hear(missing);
      await made.clock.advance(20_000);
    }
    expect(made.warned).toEqual([]);
  });
});

test('the client hears of it, and the process does not', async () => {
  const heard: unknown[] = [];
  const made = make({ onTrouble: (error, leftMs) => void heard.push([error, leftMs]) });
  await trouble(made, 10);
  expect(heard).toEqual(Array(10).fill([missing, Number.POSITIVE_INFINITY]));
  expect(made.warned).toEqual([]);
});

test('its own listener comes first', async () => {
  const own: unknown[] = [];
  const clients: unknown[] = [];
  const made = make({ onTrouble: (error) => void clients.push(error) }, (error) => own.push(error));
  await trouble(made, 10);
  expect([own.length, clients, made.warned]).toEqual([10, [], []]);
});

const ordres = { topic: 'ordres', partition: 0 };

test('a topic of `assign` that is not there is waited for, and whoever runs the program hears its name', async () => {
  const clock = new VirtualClock();
  const warned: string[] = [];
  const heard: unknown[] = [];
  const topic = { name: 'ordres', topicId: 'id', errorCode: 3, partitions: [] };
  const answer = { errorCode: 0, brokers: [{ nodeId: 1, host: 'h', port: 1 }], topics: [topic] };
  const warn = (message: string) => void warned.push(message);
  for (const onTrouble of [undefined, (error: unknown) => void heard.push(error)]) {
    const cluster = fakeCluster(clock, () => answer, { warn });
    const consumer = new Consumer(cluster, { assign: [ordres], ...(onTrouble && { onTrouble }) });
    const running = consumer.run(() => {});
    await clock.advance(10_000);
    await clock.until(Promise.all([consumer.close(), running]));
  }
  expect(warned).toEqual([expect.stringMatching(/^a consumer of ordres-0 has waited for \d s /)]);
  expect(heard[0]).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
});
