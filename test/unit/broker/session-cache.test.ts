import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { FetchSet } from '../../../src/broker/fetch/fetch-set.ts';
import { FetchSessionCache, nextEpoch } from '../../../src/broker/fetch/session-cache.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

function sized(partitions: number): FetchSet {
  const set = new FetchSet(false);
  for (let index = 0; index < partitions; index++) {
    set.put({
      topic: 't',
      topicId: '',
      index,
      fetchOffset: 0,
      maxBytes: 1,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    });
  }
  return set;
}

function cacheOf(slots: number, partitionsMax = 1000) {
  const clock = new VirtualClock();
  const options = { clock, random: new SeededRandom(1), slots, partitionsMax };
  return { clock, cache: new FetchSessionCache(options) };
}

describe('FetchSessionCache', () => {
  test('gives each session its own id, and epoch 1 to begin with', () => {
    const { cache } = cacheOf(10);
    const [a, b] = [sized(1), sized(1)];
    expect(cache.add(a) && cache.add(b)).toBe(true);
    expect(a.id).toBeGreaterThan(0);
    expect(a.id).not.toBe(b.id);
    expect(a.epoch).toBe(1);
    expect(cache.get(a.id)).toBe(a);
  });

  test('tells sets under way of changed topics, once, until their request is over', () => {
    const { cache } = cacheOf(10);
    const [passing, session] = [sized(1), sized(1)];
    cache.add(session);
    const wakes = { passing: 0, session: 0 };
    passing.whenReady(() => wakes.passing++);
    session.whenReady(() => wakes.session++);
    for (const set of [passing, session]) cache.follow(set);
    cache.topicChanged('t');
    expect(wakes).toEqual({ passing: 1, session: 1 });
    for (const set of [passing, session]) cache.unfollow(set);
    cache.topicChanged('t');
    expect(wakes).toEqual({ passing: 1, session: 2 });
  });

  test('refuses a session when all slots are taken by young ones', async () => {
    const { clock, cache } = cacheOf(1);
    cache.add(sized(1));
    await clock.advance(119_000);
    expect(cache.add(sized(100))).toBe(false);
    expect(cache.size).toBe(1);
  });

  test('a session unused for two minutes makes room', async () => {
    const { clock, cache } = cacheOf(2);
    const [stale, used] = [sized(5), sized(5)];
    cache.add(stale);
    cache.add(used);
    await clock.advance(120_001);
    cache.touch(used);
    const young = sized(1);
    expect(cache.add(young)).toBe(true);
    expect(cache.get(stale.id)).toBeUndefined();
    expect(cache.get(used.id)).toBe(used);
    expect(cache.stats.evicted).toBe(1);
  });

  test('an old session in use makes room only for a larger one', async () => {
    const { clock, cache } = cacheOf(1);
    const old = sized(5);
    cache.add(old);
    await clock.advance(120_001);
    cache.touch(old);
    expect(cache.add(sized(5))).toBe(false);
    expect(cache.add(sized(6))).toBe(true);
    expect(cache.get(old.id)).toBeUndefined();
  });

  test('all sessions together keep no more partitions than memory is meant for', async () => {
    const { clock, cache } = cacheOf(10, 100);
    const [small, large] = [sized(30), sized(70)];
    expect(cache.add(small) && cache.add(large)).toBe(true);
    expect(cache.fits).toBe(true);
    expect(cache.add(sized(1))).toBe(false);
    await clock.advance(120_001);
    cache.touch(large);
    expect(cache.add(sized(30))).toBe(true);
    expect([cache.get(small.id), cache.get(large.id)]).toEqual([undefined, large]);
    large.put({ ...[...large.targets.values()][0]!.spec, index: 1000 });
    expect(cache.fits).toBe(false);
  });

  test('epochs wrap past the special values', () => {
    expect([0, 1, 0x7fff_ffff, -1].map(nextEpoch)).toEqual([1, 2, 1, -1]);
  });
});
