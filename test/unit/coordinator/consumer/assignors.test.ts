// The server-side assignors: what each promises, in small cases by hand and in many drawn ones.

import { expect, test } from 'vitest';
import {
  type AssignorInput,
  assignors,
  type TargetAssignment,
} from '../../../../src/coordinator/group/consumer/assignors.ts';
import { fc } from '../../../support/fast-check.ts';

interface Drawn {
  /** Member id → topics it asks for. */
  readonly wants: Record<string, readonly string[]>;
  /** Topic → number of partitions. */
  readonly topics: Record<string, number>;
}

const instances = new Map<string, string>();

function assign(name: 'uniform' | 'range', drawn: Drawn, before?: TargetAssignment) {
  const members: AssignorInput['members'] = new Map(
    Object.entries(drawn.wants).map(([memberId, topics]) => [
      memberId,
      {
        instanceId: instances.get(memberId) ?? null,
        topicIds: new Set(topics.filter((topic) => topic in drawn.topics)),
        current: before?.get(memberId) ?? new Map(),
      },
    ]),
  );
  const partitionCount = (topic: string): number => drawn.topics[topic] ?? 0;
  const target = assignors.get(name)?.({ members, partitionCount });
  if (target === undefined) throw new Error(`there is no assignor ${name}`);
  return target;
}

const plain = (target: TargetAssignment) =>
  Object.fromEntries(
    [...target].map(([memberId, topics]) => [
      memberId,
      [...topics].flatMap(([topic, set]) => [...set].map((one) => `${topic}${one}`)).sort(),
    ]),
  );

const sizes = (target: TargetAssignment): number[] =>
  Object.values(plain(target)).map((list) => list.length);

/** Everything that anybody asks for is with one member, who asks for it. */
function checkComplete(target: TargetAssignment, { wants, topics }: Drawn): void {
  const given = Object.entries(plain(target));
  expect(given.map(([memberId]) => memberId).sort()).toEqual(Object.keys(wants).sort());
  const asked = new Set(Object.values(wants).flat());
  const due = [...asked].flatMap((topic) =>
    Array.from({ length: topics[topic] ?? 0 }, (_, partition) => `${topic}${partition}`),
  );
  expect(given.flatMap(([, list]) => list).sort()).toEqual(due.sort());
  for (const [memberId, of] of target) {
    for (const topic of of.keys()) expect(wants[memberId]).toContain(topic);
  }
}

/** Nobody has two more than somebody who could take one of them. */
function checkBalanced(target: TargetAssignment, { wants }: Drawn): void {
  const size = new Map(Object.entries(plain(target)).map(([id, list]) => [id, list.length]));
  for (const [memberId, of] of target) {
    for (const topic of of.keys()) {
      for (const [other, asked] of Object.entries(wants)) {
        if (!asked.includes(topic)) continue;
        expect(size.get(memberId) ?? 0).toBeLessThan((size.get(other) ?? 0) + 2);
      }
    }
  }
}

const topicNames = ['a', 'b', 'c', 'd', 'e'];
const memberNames = Array.from({ length: 9 }, (_, index) => `m${index}`);
const topics = fc.dictionary(fc.constantFrom(...topicNames), fc.nat(12), {
  minKeys: 1,
});
const heterogeneous: fc.Arbitrary<Drawn> = fc.record({
  topics,
  wants: fc.dictionary(fc.constantFrom(...memberNames), fc.subarray(topicNames), { minKeys: 1 }),
});
const homogeneous: fc.Arbitrary<Drawn> = fc
  .record({
    topics,
    members: fc.subarray(memberNames, { minLength: 1 }),
    asked: fc.subarray(topicNames, { minLength: 1 }),
  })
  .map(({ topics: drawn, members, asked }) => ({
    topics: drawn,
    wants: Object.fromEntries(members.map((memberId) => [memberId, asked])),
  }));

test('uniform: equal shares, and what was there stays', () => {
  const three = { wants: { x: ['a'], y: ['a'], z: ['a'] }, topics: { a: 7 } };
  const first = assign('uniform', three);
  expect(sizes(first).sort()).toEqual([2, 2, 3]);
  expect(assign('uniform', three, first)).toEqual(first);
  const two = { wants: { x: ['a'], y: ['a'] }, topics: { a: 7 } };
  const after = assign('uniform', two, first);
  for (const memberId of ['x', 'y']) {
    expect(plain(after)[memberId]).toEqual(expect.arrayContaining(plain(first)[memberId] ?? []));
  }
});

test('range: ranges in the order of the members; static ones by their names', () => {
  const drawn = {
    wants: { x: ['a', 'b'], y: ['a', 'b'] },
    topics: { a: 3, b: 3 },
  };
  expect(plain(assign('range', drawn))).toEqual({
    x: ['a0', 'a1', 'b0', 'b1'],
    y: ['a2', 'b2'],
  });
  instances.set('y', 'first');
  expect(plain(assign('range', drawn))['y']).toEqual(['a0', 'a1', 'b0', 'b1']);
  // Comes back under another id: nothing moves.
  instances.set('y2', 'first');
  const again = {
    wants: { x: ['a', 'b'], y2: ['a', 'b'] },
    topics: { a: 3, b: 3 },
  };
  expect(plain(assign('range', again))['y2']).toEqual(['a0', 'a1', 'b0', 'b1']);
  instances.clear();
});

test('uniform with different subscriptions: who can take only little gets it first', () => {
  const drawn = { wants: { x: ['a'], y: ['a', 'b'] }, topics: { a: 2, b: 2 } };
  expect(plain(assign('uniform', drawn))).toEqual({
    x: ['a0', 'a1'],
    y: ['b0', 'b1'],
  });
  // A subscription that ends frees what it had, and no more moves than must.
  const before = assign('uniform', drawn);
  const narrowed = { wants: { x: ['a'], y: ['b'] }, topics: { a: 2, b: 2 } };
  expect(plain(assign('uniform', narrowed, before))).toEqual(plain(before));
});

test.each(['uniform', 'range'] as const)('%s gives out all, once, to who asks for it', (name) => {
  fc.assert(
    fc.property(heterogeneous, heterogeneous, (one, other) => {
      const first = assign(name, one);
      checkComplete(first, one);
      checkComplete(assign(name, other, first), other);
    }),
  );
});

test('uniform is balanced, whatever was before', () => {
  fc.assert(
    fc.property(heterogeneous, heterogeneous, (one, other) => {
      const first = assign('uniform', one);
      checkBalanced(first, one);
      checkBalanced(assign('uniform', other, first), other);
    }),
  );
});

test('uniform with equal subscriptions: no two shares differ by more than one', () => {
  fc.assert(
    fc.property(homogeneous, homogeneous, (one, other) => {
      for (const target of [
        assign('uniform', one),
        assign('uniform', other, assign('uniform', one)),
      ]) {
        expect(Math.max(...sizes(target)) - Math.min(...sizes(target))).toBeLessThan(2);
      }
    }),
  );
});

test('uniform moves nothing without a reason, and when a member goes only what it had', () => {
  fc.assert(
    fc.property(homogeneous, fc.nat(), (drawn, pick) => {
      const first = assign('uniform', drawn);
      expect(plain(assign('uniform', drawn, first))).toEqual(plain(first));
      const members = Object.keys(drawn.wants);
      const gone = members[pick % members.length];
      const rest = Object.entries(drawn.wants).filter(([memberId]) => memberId !== gone);
      const after = assign('uniform', { ...drawn, wants: Object.fromEntries(rest) }, first);
      for (const [memberId, list] of Object.entries(plain(after))) {
        expect(list).toEqual(expect.arrayContaining(plain(first)[memberId] ?? []));
      }
    }),
  );
});

test('uniform moves no more than the newcomer needs', () => {
  fc.assert(
    fc.property(homogeneous, (drawn) => {
      const first = assign('uniform', drawn);
      const asked = Object.values(drawn.wants)[0] ?? [];
      const after = assign('uniform', { ...drawn, wants: { ...drawn.wants, new: asked } }, first);
      const share = plain(after)['new']?.length ?? 0;
      const kept = Object.entries(plain(first)).map(([memberId, list]) => {
        const now = new Set(plain(after)[memberId]);
        return list.filter((one) => !now.has(one)).length;
      });
      expect(kept.reduce((sum, lost) => sum + lost, 0)).toBe(share);
    }),
  );
});
