// What consumers of a group do, whatever is behind them and whichever protocol they speak.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { committedOffsets } from '../../../src/client/index.ts';
import type { ConsumedRecord } from '../../../src/index.ts';
import type { Target } from '../targets.ts';
import { numbered, openStage, type Stage, take, until } from './consumer-stage.ts';

const valuesOf = (records: readonly ConsumedRecord[]): unknown[] => records.map((one) => one.value);

export function groupSuite(target: Target): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(target);
  });
  afterAll(() => stage.close());

  // Side by side: each has topics and a group of its own, and waits for heartbeats most of the time.
  const sideBySide = describe.each(['classic', 'consumer'] as const);
  sideBySide('groups of the %s protocol', { concurrent: true }, (protocol) => {
    const common = { protocol, key: 'string', value: 'string' } as const;

    test('a group goes on where it left off; what was not dealt with comes again', async () => {
      const topic = await stage.topic();
      const group = stage.name('g');
      await stage.write(topic, numbered(0, 6));
      const options = { ...common, topics: [topic], group };
      const first = stage.consumer(options);
      // The third was in hand when the loop ended: nobody knows whether it is dealt with.
      expect(valuesOf(await take(first, 3))).toEqual(['0', '1', '2']);
      await first.close();
      expect(await committedOffsets(stage.cluster, group, topic, [0])).toEqual(new Map([[0, 2]]));
      const second = stage.consumer(options);
      expect(valuesOf(await take(second, 2))).toEqual(['2', '3']);
      // Said to be dealt with.
      await second.commit();
      await second.close();
      const third = stage.consumer({ ...options, autoCommit: false });
      expect(valuesOf(await take(third, 2))).toEqual(['4', '5']);
      await third.commit([{ topic, partition: 0, offset: 5, metadata: 'so far' }]);
      await third.close();
      expect(await committedOffsets(stage.cluster, group, topic, [0])).toEqual(new Map([[0, 5]]));
    });

    test('members share the partitions, and hand them over without gap or repeat', async () => {
      const topic = await stage.topic(6);
      const group = stage.name('g');
      const seen: string[] = [];
      const events: string[] = [];
      const member = (name: string) =>
        stage.consumer({
          ...common,
          topics: [topic],
          group,
          heartbeatIntervalMs: 100,
          onAssigned: (places) => void events.push(`${name}+${places.length}`),
          onRevoked: (places) => void events.push(`${name}-${places.length}`),
        });
      const work = async (record: ConsumedRecord<string, string>): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        seen.push(record.value ?? '');
      };
      const one = member('one');
      const reading = [one.run(work, { concurrency: 4 })];
      await until(() => one.assignment().length === 6);
      const spread = (from: number, to: number) =>
        numbered(from, to).map((record, at) => ({ ...record, partition: at % 6 }));
      await stage.write(topic, spread(0, 300));
      const two = member('two');
      reading.push(two.run(work, { concurrency: 4 }));
      await until(() => one.assignment().length === 3 && two.assignment().length === 3);
      await stage.write(topic, spread(300, 600));
      await until(() => seen.length >= 450);
      await one.close();
      await until(() => two.assignment().length === 6);
      await stage.write(topic, spread(600, 660));
      await until(() => seen.length >= 660);
      expect(seen.map(Number).sort((a, b) => a - b)).toEqual(spread(0, 660).map((_, at) => at));
      expect(events[0]).toBe('one+6');
      expect(events).toContain('one-3');
      await two.close();
      await Promise.all(reading);
    });

    test('a pattern finds topics, new ones too', async () => {
      const prefix = stage.name('pattern');
      const topic = await stage.topic();
      const consumer = stage.consumer({
        ...common,
        topics: new RegExp(`^${prefix}-`, 'i'),
        group: stage.name('g'),
        heartbeatIntervalMs: 50,
        metadataMaxAgeMs: 50,
      });
      const seen: unknown[] = [];
      const reading = consumer.run((record) => void seen.push(record.topic));
      const name = `${prefix}-a`;
      await stage.client.admin().createTopic({ name, partitions: 1 });
      await stage.write(name, [{ value: 'x' }]);
      await stage.write(topic, [{ value: 'x' }]);
      await until(() => seen.length > 0, 60_000);
      expect(seen).toEqual([name]);
      await consumer.close();
      await reading;
    });

    test.each([1, 4])(
      'a slow record starves no heartbeat; one that hangs gives its partitions away, %i at work',
      async (concurrency) => {
        const topic = await stage.topic();
        const group = stage.name('g');
        const events: string[] = [];
        const slow = stage.consumer({
          ...common,
          topics: [topic],
          group,
          heartbeatIntervalMs: 50,
          maxPollIntervalMs: 600,
          onLost: () => void events.push('lost'),
          onAssigned: () => void events.push('assigned'),
        });
        await stage.write(topic, numbered(0, 2));
        let release: () => void = () => {};
        const hang = new Promise<void>((resolve) => {
          release = resolve;
        });
        const reading = slow.run(() => hang, { concurrency });
        await until(() => events.includes('lost'), 60_000);
        const other = stage.consumer({ ...common, topics: [topic], group });
        expect(valuesOf(await take(other, 1))).toEqual(['0']);
        await other.close();
        release();
        await until(() => events.filter((one) => one === 'assigned').length === 2, 60_000);
        await slow.close();
        await reading;
      },
    );

    test.each([1, 4])(
      'a handler that throws gives its place in the group up at once, %i at work; running again takes one',
      async (concurrency) => {
        const topic = await stage.topic();
        const group = stage.name('g');
        const events: string[] = [];
        const options = { ...common, topics: [topic], group, heartbeatIntervalMs: 50 };
        const angry = stage.consumer({
          ...options,
          onRevoked: () => void events.push('revoked'),
          onLost: () => void events.push('lost'),
        });
        await stage.write(topic, numbered(0, 5));
        const seen: unknown[] = [];
        const running = angry.run(
          ({ value }) => {
            if (value === '2') throw new Error('not this one');
          },
          { concurrency },
        );
        await expect(running).rejects.toThrow('not this one');
        expect([angry.assignment(), events]).toEqual([[], ['revoked']]);
        expect(await stage.client.admin().describeGroup(group)).toMatchObject({ members: [] });
        // Without waiting for a session or poll timeout another one has the record.
        const other = stage.consumer(options);
        expect(valuesOf(await take(other, 1))).toEqual(['2']);
        await other.close();
        const again = angry.run(({ value }) => void seen.push(value), { concurrency });
        await until(() => seen.length === 3);
        expect(seen).toEqual(['2', '3', '4']);
        await angry.close();
        await again;
      },
    );

    test('a static member comes back without a rebalance', async () => {
      const topic = await stage.topic(2);
      const group = stage.name('g');
      const revoked: unknown[] = [];
      const other = stage.consumer({
        ...common,
        topics: [topic],
        group,
        instanceId: 'b',
        heartbeatIntervalMs: 50,
        onRevoked: (places) => void revoked.push(places),
      });
      const reading = other.run(() => {});
      const options = {
        ...common,
        topics: [topic],
        group,
        instanceId: 'a',
        heartbeatIntervalMs: 50,
      };
      const first = stage.consumer(options);
      const running = first.run(() => {});
      await until(() => first.assignment().length === 1 && other.assignment().length === 1);
      const before = first.assignment();
      revoked.length = 0;
      await first.close();
      await running;
      const again = stage.consumer(options);
      const rerunning = again.run(() => {});
      await until(() => again.assignment().length === 1);
      expect(again.assignment()).toEqual(before);
      expect(revoked).toEqual([]);
      await again.close();
      await other.close();
      await Promise.all([reading, rerunning]);
    });
  });
}
