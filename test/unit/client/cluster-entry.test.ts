// Which broker is asked for what any of them can tell, and what is forgotten when one of them is lost.

import { expect, test } from 'vitest';
import { sleep } from '../../../src/base/pause.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { deleteGroup } from '../../../src/client/admin-groups.ts';
import { ClientError, Cluster, type Network, type Node } from '../../../src/client/index.ts';
import { ElectLeaders, type Transport } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

const TOPIC = 't';

/** A broker that coordinates all groups, leads all partitions and is the controller as it says, while it is alive. */
class Broker {
  readonly id: number;
  readonly host: string;
  alive = true;
  /** It takes connections, and answers so late (ms). */
  lateMs = 0;
  readonly asked: string[] = [];
  readonly transport: Transport;

  readonly #clock: VirtualClock;

  constructor(id: number, host: string, clock: VirtualClock) {
    this.id = id;
    this.host = host;
    this.#clock = clock;
    const transport = {
      versions: () => this.#answer().then(() => [0, 4]),
      send: async (api: { name: string }) => {
        this.asked.push(api.name);
        if (this.lateMs > 0) await sleep(this.#clock, this.lateMs);
        return this.#answer();
      },
      close: () => Promise.resolve(),
    };
    this.transport = transport as unknown as Transport;
  }

  #answer(): Promise<unknown> {
    if (!this.alive) {
      return Promise.reject(new ClientError('cannot_connect', `${this.host} is away`));
    }
    const { id: nodeId, host } = this;
    const node = { nodeId, host, port: 1 };
    const partition = { partitionIndex: 0, errorCode: 0, leaderId: nodeId, leaderEpoch: nodeId };
    return Promise.resolve({
      errorCode: 0,
      brokers: [node],
      controllerId: nodeId,
      topics: [{ name: TOPIC, topicId: TOPIC, errorCode: 0, partitions: [partition] }],
      coordinators: [{ ...node, errorCode: 0, errorMessage: null }],
      results: [{ errorCode: 0 }],
    });
  }
}

/** Two brokers, each of which says that it is all there is. */
function pair() {
  const clock = new VirtualClock();
  const [first, second] = [new Broker(1, 'first', clock), new Broker(2, 'second', clock)];
  const network: Network = {
    copies: false,
    entries: () => [first.transport, second.transport],
    to: ({ host }: Node) => (host === 'first' ? first : second).transport,
    fork: () => network,
    close: () => Promise.resolve(),
  };
  const cluster = new Cluster({ network, clock, random: new SeededRandom(1) });
  return { first, second, clock, cluster };
}

test('a coordinator is asked for elsewhere when the broker that was asked is gone', async () => {
  const { first, second, cluster } = pair();
  await cluster.describe();
  first.alive = false;
  expect(await cluster.coordinator('g')).toMatchObject({ host: 'second' });
  expect(second.asked).toEqual(['FindCoordinator']);
});

test('a coordinator that is gone is looked for anew', async () => {
  const { first, second, clock, cluster } = pair();
  await cluster.coordinator('g');
  await cluster.describe();
  first.alive = false;
  await clock.until(deleteGroup(cluster, 'g'));
  expect(second.asked).toEqual(['FindCoordinator', 'DeleteGroups']);
});

test('a controller that is gone is looked for anew, and so are the brokers', async () => {
  const { first, second, clock, cluster } = pair();
  const elect = async (): Promise<void> => {
    const controller = await cluster.controller();
    await controller.send(ElectLeaders, { electionType: 0, topicPartitions: null, timeoutMs: 1 });
  };
  await elect();
  expect(first.asked).toEqual(['Metadata', 'ElectLeaders']);
  expect(await cluster.nodes()).toMatchObject([{ host: 'first' }]);
  first.alive = false;
  await clock.until(cluster.retry(elect));
  expect(second.asked).toEqual(['Metadata', 'ElectLeaders']);
  expect(await cluster.nodes()).toMatchObject([{ host: 'second' }]);
});

test('a leader that is gone is looked for anew', async () => {
  const { first, second, clock, cluster } = pair();
  const ask = (leader: Transport) => leader.send(ElectLeaders, { timeoutMs: 1 } as never);
  const asked = () => cluster.retry(() => cluster.askLeader({ topic: TOPIC, partition: 0 }, ask));
  await asked();
  expect(first.asked).toEqual(['Metadata', 'ElectLeaders']);
  first.alive = false;
  await clock.until(asked());
  expect(second.asked).toEqual(['Metadata', 'ElectLeaders']);
});

test('a broker that is not the controller any more is no reason to give up a lost connection', async () => {
  const { first, clock, cluster } = pair();
  await cluster.describe();
  let tries = 0;
  const attempt = async (): Promise<string> => {
    tries += 1;
    if (tries > 1) return 'done';
    cluster.forgetController();
    throw new ClientError('connection_lost', 'the connection ended');
  };
  expect(await clock.until(cluster.retry(attempt))).toBe('done');
  first.asked.length = 0;
  await cluster.controller();
  expect(first.asked).toEqual(['Metadata']);
});

const HANGS_MS = 3_600_000;

test('a broker that hangs holds up no question that another can answer', async () => {
  const { first, second, clock, cluster } = pair();
  await cluster.describe();
  first.lateMs = HANGS_MS;
  await clock.until(cluster.topic(TOPIC, { fresh: true }), 2_000);
  await clock.until(cluster.coordinator('g'), 2_000);
  expect(second.asked).toEqual(['Metadata', 'FindCoordinator']);
  // Whoever answered is asked first from then on, also after trouble with somebody else.
  first.asked.length = 0;
  let tries = 0;
  const troubled = cluster.retry(async () => {
    tries += 1;
    if (tries === 1) throw new ClientError('connection_lost', 'the connection ended');
    return cluster.coordinator('h');
  });
  await clock.until(troubled);
  expect(first.asked).toEqual([]);
});

test('brokers that are slow, all of them, are not given up', async () => {
  const { first, second, clock, cluster } = pair();
  await cluster.describe();
  first.lateMs = 5_000;
  second.lateMs = 8_000;
  await clock.until(cluster.topic(TOPIC, { fresh: true }), 6_000);
  expect([first.asked, second.asked]).toEqual([['Metadata', 'Metadata'], ['Metadata']]);
});

test('what a broker refuses is told, when another hangs', async () => {
  const { first, clock, cluster } = pair();
  await cluster.describe();
  first.lateMs = HANGS_MS;
  const asked = cluster.topic('none');
  await expect(clock.until(asked, 2_000)).rejects.toMatchObject({
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  });
});
