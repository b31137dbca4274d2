import { expect, test } from 'vitest';
import { Bag } from '../../../src/base/bag.ts';
import { fc } from '../../support/fast-check.ts';

function valuesOf<T>(bag: Bag<T>): T[] {
  const values: T[] = [];
  bag.visit((value) => values.push(value));
  return values;
}

test('it holds what was added and not taken out', () => {
  const step = fc.record({ add: fc.boolean(), which: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const bag = new Bag<number>();
      const model: { value: number; remove: () => void; in: boolean }[] = [];
      for (const { add, which } of steps) {
        const known = model[which];
        if (add) model.push({ value: which, remove: bag.add(which), in: true });
        else if (known !== undefined) {
          // Also what is out already: that changes nothing.
          known.remove();
          known.in = false;
        }
        const expected = model.filter((each) => each.in).map((each) => each.value);
        expect(valuesOf(bag).sort()).toEqual(expected.sort());
      }
    }),
  );
});

test('whoever leaves or comes during a visit keeps nobody else from being visited', () => {
  const bag = new Bag<string>();
  const visited = new Set<string>();
  const removers = new Map(['a', 'b', 'c', 'd', 'e'].map((name) => [name, bag.add(name)]));
  bag.visit((value) => {
    visited.add(value);
    if (value === 'd') {
      removers.get('a')?.();
      removers.get('d')?.();
      bag.add('f');
    }
  });
  for (const value of ['b', 'c', 'd', 'e']) expect(visited).toContain(value);
  expect(valuesOf(bag).sort()).toEqual(['b', 'c', 'e', 'f']);
});
