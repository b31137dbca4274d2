import { describe, expect, test } from 'vitest';
import {
  type AssignMember,
  type Assignment,
  type AssignorName,
  assignors,
} from '../../../../src/client/consumer/assignors.ts';
import { fc } from '../../../support/fast-check.ts';

function member(
  memberId: string,
  topics: string[],
  more: Partial<AssignMember> = {},
): AssignMember {
  return {
    memberId,
    instanceId: null,
    topics: new Set(topics),
    owned: [],
    generation: -1,
    ...more,
  };
}

function shown(assignment: Assignment): Record<string, string> {
  return Object.fromEntries(
    [...assignment].map(([id, places]) => [
      id,
      places.map(({ topic, partition }) => `${topic}${partition}`).join(' '),
    ]),
  );
}

const counts = (given: Record<string, number>): Map<string, number> =>
  new Map(Object.entries(given));

describe('as Kafka has it', () => {
  // Examples of the classes' own documentation (org.apache.kafka.clients.consumer).
  test('range: each topic by itself, the first members one more', () => {
    const members = [member('C1', ['a', 'b']), member('C0', ['a', 'b'])];
    expect(shown(assignors.range.assign(members, counts({ a: 3, b: 3 })))).toEqual({
      C0: 'a0 a1 b0 b1',
      C1: 'a2 b2',
    });
  });

  test('roundrobin: over all topics, only to who subscribes', () => {
    const members = [member('C0', ['a']), member('C1', ['a', 'b']), member('C2', ['a', 'b', 'c'])];
    expect(shown(assignors.roundrobin.assign(members, counts({ a: 1, b: 2, c: 3 })))).toEqual({
      C0: 'a0',
      C1: 'b0',
      C2: 'b1 c0 c1 c2',
    });
  });

  test('sticky: who is left keeps what it has', () => {
    const owned = (...names: string[]) =>
      names.map((name) => ({ topic: name.slice(0, 1), partition: Number(name.slice(1)) }));
    const members = [
      member('C0', ['a', 'b'], { owned: owned('a0', 'b1'), generation: 3 }),
      member('C2', ['a', 'b'], { owned: owned('b0', 'a2'), generation: 3 }),
    ];
    const given = assignors.sticky.assign(members, counts({ a: 3, b: 2 }));
    expect(given.get('C0')).toEqual(expect.arrayContaining(owned('a0', 'b1')));
    expect(given.get('C2')).toEqual(expect.arrayContaining(owned('a2', 'b0')));
  });

  test("cooperative-sticky: what moves is nobody's at first", () => {
    const owned = [0, 1, 2, 3].map((partition) => ({ topic: 'a', partition }));
    const members = [member('C0', ['a'], { owned, generation: 1 }), member('C1', ['a'])];
    const first = assignors['cooperative-sticky'].assign(members, counts({ a: 4 }));
    expect(shown(first)).toEqual({ C0: 'a0 a1', C1: '' });
    const then = [
      member('C0', ['a'], { owned: first.get('C0') ?? [], generation: 2 }),
      member('C1', ['a'], { generation: 2 }),
    ];
    const second = assignors['cooperative-sticky'].assign(then, counts({ a: 4 }));
    expect(shown(second)).toEqual({ C0: 'a0 a1', C1: 'a2 a3' });
  });

  test('of two that claim a partition the later generation is right', () => {
    const owned = [{ topic: 'a', partition: 0 }];
    const members = [
      member('C0', ['a'], { owned, generation: 1 }),
      member('C1', ['a'], { owned, generation: 2 }),
    ];
    expect(shown(assignors.sticky.assign(members, counts({ a: 1 })))).toEqual({ C0: '', C1: 'a0' });
  });
});

describe('any group', () => {
  const topics = ['a', 'b', 'c'];
  const groups = fc.record({
    counts: fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(3) }),
    members: fc.uniqueArray(
      fc.record({ id: fc.nat(99), topics: fc.uniqueArray(fc.constantFrom(...topics)) }),
      { minLength: 1, maxLength: 6, selector: (one) => one.id },
    ),
  });
  const existing = (given: Record<string, number>, members: readonly AssignMember[]) =>
    counts(
      Object.fromEntries(
        Object.entries(given).filter(
          ([topic, count]) => count > 0 && members.some((one) => one.topics.has(topic)),
        ),
      ),
    );

  test.each(Object.keys(assignors) as AssignorName[])(
    '%s: each partition to one that asked',
    (name) => {
      fc.assert(
        fc.property(groups, ({ counts: given, members: some }) => {
          const members = some.map((one) => member(`m${one.id}`, one.topics));
          const exist = existing(given, members);
          const result = assignors[name].assign(members, exist);
          const all = [...result].flatMap(([id, places]) => {
            const { topics: wanted } = members.find((one) => one.memberId === id) ?? {};
            for (const place of places) expect(wanted?.has(place.topic)).toBe(true);
            return places.map(({ topic, partition }) => `${topic}${partition}`);
          });
          const wanted = [...exist].flatMap(([topic, count]) =>
            Array.from({ length: count }, (_, partition) => `${topic}${partition}`),
          );
          expect(all.sort()).toEqual(wanted.sort());
          expect([...result.keys()].sort()).toEqual(members.map((one) => one.memberId).sort());
        }),
      );
    },
  );

  test('sticky: balanced for equals, and a second time nothing moves', () => {
    fc.assert(
      fc.property(groups, ({ counts: given, members: some }) => {
        const members = some.map((one) => member(`m${one.id}`, topics));
        const exist = existing(given, members);
        const result = assignors.sticky.assign(members, exist);
        const sizes = [...result.values()].map((places) => places.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const again = members.map((one) => ({
          ...one,
          owned: result.get(one.memberId) ?? [],
          generation: 1,
        }));
        expect(assignors['cooperative-sticky'].assign(again, exist)).toEqual(
          assignors.sticky.assign(again, exist),
        );
        for (const [id, places] of assignors.sticky.assign(again, exist)) {
          expect(new Set(places)).toEqual(new Set(result.get(id)));
        }
      }),
    );
  });

  test('cooperative-sticky: ends in two rounds, and a partition never has two owners', () => {
    fc.assert(
      fc.property(groups, fc.nat(5), ({ counts: given, members: some }, leaving) => {
        const members = some.map((one) => member(`m${one.id}`, topics));
        const exist = existing(given, members);
        const old = members.slice(0, Math.max(1, members.length - leaving));
        const before = assignors.sticky.assign(old, exist);
        const { assign } = assignors['cooperative-sticky'];
        const holding = (from: Assignment, generation: number) =>
          members.map((one) => ({ ...one, owned: from.get(one.memberId) ?? [], generation }));
        const first = assign(holding(before, 1), exist);
        for (const [id, places] of first) {
          for (const { topic, partition } of places) {
            const owner = [...before].find(([, held]) =>
              held.some((one) => one.topic === topic && one.partition === partition),
            );
            expect(owner?.[0] ?? id).toBe(id);
          }
        }
        const second = assign(holding(first, 2), exist);
        const total = [...second.values()].flat().length;
        expect(total).toBe([...exist.values()].reduce((sum, count) => sum + count, 0));
      }),
    );
  });
});
