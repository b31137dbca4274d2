import { expect, test } from 'vitest';
import { Bag, type Bagged } from '../../../src/base/bag.ts';
import { fc } from '../../support/fast-check.ts';

interface Named extends Bagged {
  readonly name: string;
}

const named = (name: string): Named => ({ name, place: -1 });

function namesOf(bag: Bag<Named>): string[] {
  const names: string[] = [];
  bag.visit(({ name }) => names.push(name));
  return names.sort();
}

test('it holds what was added and not taken out', () => {
  const step = fc.record({ add: fc.boolean(), which: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const bag = new Bag<Named>();
      const model: { thing: Named; in: boolean }[] = [];
      for (const { add, which } of steps) {
        const known = model[which];
        if (add) {
          const thing = named(`${which}`);
          bag.add(thing);
          model.push({ thing, in: true });
        } else if (known !== undefined) {
          // Also what is out already: that changes nothing.
          bag.remove(known.thing);
          known.in = false;
        }
        const expected = model.filter((each) => each.in).map(({ thing }) => thing.name);
        expect(namesOf(bag)).toEqual(expected.sort());
      }
    }),
  );
});

test('whoever leaves or comes during a visit keeps nobody else from being visited', () => {
  const bag = new Bag<Named>();
  const visited = new Set<string>();
  const things = ['a', 'b', 'c', 'd', 'e'].map(named);
  for (const thing of things) bag.add(thing);
  bag.visit((thing) => {
    visited.add(thing.name);
    if (thing.name === 'd') {
      bag.remove(things[0] as Named);
      bag.remove(thing);
      bag.add(named('f'));
    }
  });
  for (const name of ['b', 'c', 'd', 'e']) expect(visited).toContain(name);
  expect(namesOf(bag)).toEqual(['b', 'c', 'e', 'f']);
});
