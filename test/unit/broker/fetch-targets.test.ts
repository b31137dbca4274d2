import { expect, test } from 'vitest';
import { FetchTarget } from '../../../src/broker/fetch/fetch-target.ts';
import { ReadyRow } from '../../../src/broker/fetch/ready-row.ts';
import { TargetTable } from '../../../src/broker/fetch/target-table.ts';
import { fc } from '../../support/fast-check.ts';

function target(topic: string, index: number): FetchTarget {
  const owner = { markReady: () => {} };
  const spec = { fetchOffset: 0, maxBytes: 1, currentLeaderEpoch: -1, lastFetchedEpoch: -1 };
  return new FetchTarget(owner, { ...spec, topic, topicId: `id-${topic}`, index });
}

test('a row has what a Set would have, in its order', () => {
  const step = fc.record({ add: fc.boolean(), which: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const targets = Array.from({ length: 6 }, (_, index) => target('t', index));
      const row = new ReadyRow();
      const model = new Set<FetchTarget>();
      for (const { add, which } of steps) {
        const one = targets[which] as FetchTarget;
        if (add) {
          row.add(one);
          model.add(one);
        } else expect(row.delete(one)).toBe(model.delete(one));
        expect(row.all()).toEqual([...model]);
        expect(row.size).toBe(model.size);
      }
    }),
  );
});

test.each([false, true])('a table finds few and many, by id: %s', (usesTopicIds) => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'delete'),
    topic: fc.constantFrom('a', 'b'),
    index: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const table = new TargetTable(usesTopicIds);
      const model = new Map<string, FetchTarget>();
      for (const { kind, topic, index } of steps) {
        const key = `${topic}/${index}`;
        const found = table.get(usesTopicIds ? `id-${topic}` : topic, index);
        expect(found).toBe(model.get(key));
        if (kind === 'add' && found === undefined) {
          const one = target(topic, index);
          table.add(one);
          model.set(key, one);
        } else if (kind === 'delete' && found !== undefined) {
          table.delete(found);
          model.delete(key);
        }
        expect([...table.values()]).toEqual([...model.values()]);
        expect(table.size).toBe(model.size);
      }
      table.clear();
      expect(table.size).toBe(0);
    }),
  );
});
