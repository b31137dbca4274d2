// A partition that has no leader, so that nobody can tell where its reading begins: the others are read meanwhile, and
// somebody hears of it.

import { afterEach, describe, expect, test } from 'vitest';
import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import { Committer } from '../../../../src/client/consumer/committer.ts';
import { Holdings } from '../../../../src/client/consumer/holdings.ts';
import { type Client, Consumer, type OffsetSpec } from '../../../../src/client/index.ts';
import { connect } from '../../../../src/compose/index.ts';
import { startBroker } from '../../../../src/testing/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';
import { plainHoldings } from './plain-holdings.ts';

const LEADER_NOT_AVAILABLE = 5;
const TOPIC_AUTHORIZATION_FAILED = 29;
const places = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
const place = { topic: 't', partition: 2 };

interface Committed {
  readonly topics: { partitions: { partitionIndex: number; committedOffset: number }[] }[];
}

interface Asked {
  readonly topics: { partitions: { partitionIndex: number; timestamp: number }[] }[];
}

/** Holdings of three partitions; `refusal` is what the third is answered, 0 for an offset. Offsets begin at 10. */
function setUp(from: OffsetSpec = { kind: 'earliest' }) {
  const clock = new VirtualClock();
  const seen = {
    refusal: LEADER_NOT_AVAILABLE,
    troubles: [] as unknown[],
    failed: [] as unknown[],
  };
  const fetched: string[] = [];
  const told: string[] = [];
  const commits: string[] = [];
  const cluster = fakeCluster(clock, (api, body: object) => {
    if (api === 'Metadata') {
      const partitions = places.map(({ partition: partitionIndex }) => {
        return { partitionIndex, errorCode: 0, leaderId: 1, leaderEpoch: 0 };
      });
      const topics = [{ name: 't', topicId: 'id', errorCode: 0, partitions }];
      const brokers = [{ nodeId: 1, host: 'h', port: 1 }];
      return { errorCode: 0, brokers, topics };
    }
    if (api === 'FindCoordinator') {
      return { coordinators: [{ nodeId: 1, host: 'h', port: 1, errorCode: 0 }] };
    }
    if (api === 'OffsetCommit') {
      const some = (body as Committed).topics.flatMap(({ partitions }) => partitions);
      commits.push(some.map((one) => `${one.partitionIndex}@${one.committedOffset}`).join());
      const partitions = some.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 }));
      return { topics: [{ name: 't', partitions }] };
    }
    const topics = (body as Asked).topics.map(({ partitions }) => ({
      name: 't',
      partitions: partitions.map(({ partitionIndex, timestamp }) => ({
        partitionIndex,
        errorCode: partitionIndex === 2 ? seen.refusal : 0,
        offset: timestamp >= 0 ? -1 : timestamp === -1 ? 100 : 10,
        timestamp: -1,
        leaderEpoch: 0,
      })),
    }));
    return { topics };
  });
  const me = { group: 'g', memberId: 'm', epoch: 1, instanceId: null };
  const committer = new Committer(cluster, { identity: () => me, isJoining: () => false });
  const fetcher = {
    set: ({ partition }: { partition: number }, offset: number) =>
      void fetched.push(`${partition}@${offset}`),
    remove() {},
    wake() {},
  };
  const closing = new AbortController();
  const holdings = new Holdings(cluster, fetcher as never, committer, {
    ...plainHoldings,
    from,
    onAssigned: (some) => void told.push(some.map(({ partition }) => partition).join()),
    onTrouble: (error) => void seen.troubles.push(error),
    onFailed: (error) => void seen.failed.push(error),
    until: closing.signal,
  });
  return { clock, holdings, seen, fetched, told, commits, closing };
}

describe('where a partition begins that has no leader', () => {
  const kinds: [OffsetSpec, number][] = [
    [{ kind: 'earliest' }, 10],
    [{ kind: 'timestamp', timestampMs: 5 }, 100],
    [{ kind: 'last', count: 3 }, 97],
  ];
  test.each(kinds)('is looked up until it is told: %o', async (from, start) => {
    const { clock, holdings, seen, fetched, told } = setUp(from);
    await clock.until(holdings.take(places));
    expect(fetched).toEqual([`0@${start}`, `1@${start}`]);
    expect(told).toEqual(['0,1,2']);
    expect(holdings.get(place).progress.position).toBe(-1);
    await clock.advance(3_000);
    expect(seen.troubles.length).toBeGreaterThan(2);
    expect(seen.troubles[0]).toMatchObject({ code: 'LEADER_NOT_AVAILABLE' });
    // Nothing of it is known, so nothing is committed or fetched.
    holdings.pause([place]);
    holdings.resume([place]);
    await holdings.commitDone([holdings.get(place)]);
    expect(fetched.length).toBe(2);
    seen.refusal = 0;
    await clock.advance(1_000);
    expect(fetched.slice(2)).toEqual([`2@${start}`]);
    expect(holdings.get(place).progress.position).toBe(start);
    expect(seen.failed).toEqual([]);
  });

  test('is looked up no more once somebody sought it, gave it up, or closed the consumer', async () => {
    for (const end of ['seek', 'lose', 'close']) {
      const { clock, holdings, seen, fetched, closing } = setUp();
      await clock.until(holdings.take(places));
      if (end === 'seek') await holdings.seek(place, 42);
      else if (end === 'lose') await holdings.lose([place]);
      else closing.abort();
      await clock.advance(1_000);
      const { length } = seen.troubles;
      await clock.advance(5_000);
      expect(seen.troubles.length).toBe(length);
      seen.refusal = 0;
      await clock.advance(1_000);
      expect(fetched.slice(2)).toEqual(end === 'seek' ? ['2@42'] : []);
    }
  });

  test('keeps nothing else from being committed once the program committed it', async () => {
    const { clock, holdings, commits } = setUp();
    await clock.until(holdings.take(places));
    await clock.until(holdings.commit([{ ...place, offset: 7 }]));
    await clock.until(holdings.commitDone());
    expect(commits).toEqual(['2@7', '0@10,1@10']);
  });

  test('will not be known, then the consumer hears of it', async () => {
    const { clock, holdings, seen } = setUp();
    await clock.until(holdings.take(places));
    seen.refusal = TOPIC_AUTHORIZATION_FAILED;
    await clock.advance(1_000);
    expect(seen.failed).toMatchObject([{ code: 'TOPIC_AUTHORIZATION_FAILED' }]);
    await expect(clock.until(holdings.take(places))).rejects.toThrow(KafkaError);
  });
});

describe('a consumer of a partition that has no leader', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  async function cluster(): Promise<{ client: Client; mend: () => void }> {
    const broker = await startBroker({ topics: { t: 3 }, brokers: 3 });
    const client = await connect(broker.bootstrap);
    open.push(broker, client);
    for (const { partition } of places)
      await broker.produce('t', [{ partition, value: partition }]);
    const mend = broker.fail('ListOffsets', {
      error: 'LEADER_NOT_AVAILABLE',
      times: Number.POSITIVE_INFINITY,
      when: (request) =>
        (request as Asked).topics.some((one) =>
          one.partitions.some(({ partitionIndex }) => partitionIndex === place.partition),
        ),
    });
    return { client, mend };
  }

  test.each([{}, { group: 'g' }, { group: 'g', protocol: 'consumer' as const }])(
    'reads the others meanwhile: %o',
    async (how) => {
      const { client, mend } = await cluster();
      const heard: unknown[] = [];
      const consumer = client.consumer({
        ...how,
        topics: ['t'],
        value: 'json',
        onTrouble: (error) => void heard.push(error),
      });
      const seen: number[] = [];
      for await (const { partition } of consumer) {
        seen.push(partition);
        if (seen.length === 2) mend();
        if (seen.length === 3) break;
      }
      expect(seen.slice(0, 2).sort()).toEqual([0, 1]);
      expect(seen[2]).toBe(2);
      await consumer.close();
      expect(heard).toContainEqual(expect.objectContaining({ code: 'LEADER_NOT_AVAILABLE' }));
    },
  );
});

test.each([true, false])(
  'what is tried again for a minute is told at once, or warned of; heard: %s',
  async (listens) => {
    const clock = new VirtualClock();
    const topic = { name: 't', topicId: 'id', errorCode: LEADER_NOT_AVAILABLE, partitions: [] };
    const metadata = {
      errorCode: 0,
      brokers: [{ nodeId: 1, host: 'h', port: 1 }],
      topics: [topic],
    };
    const warned: string[] = [];
    const warn = (message: string) => void warned.push(message);
    const cluster = fakeCluster(clock, () => metadata, { warn });
    const heard: unknown[] = [];
    const onTrouble = (error: unknown) => void heard.push(error);
    const consumer = new Consumer(cluster, { topics: ['t'], ...(listens && { onTrouble }) });
    const running = consumer.run(() => {});
    await clock.advance(10_000);
    expect(heard.length > 2).toBe(listens);
    expect(warned.length).toBe(listens ? 0 : 1);
    await clock.until(Promise.all([consumer.close(), running]));
  },
);
