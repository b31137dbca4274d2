import { expect, test } from 'vitest';
import { Fifo } from '../../../src/base/fifo.ts';
import { fc } from '../../support/fast-check.ts';

test('a queue gives out what was put in, in order, as an array would', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer())), (steps) => {
      const queue = new Fifo<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(model.shift());
        else {
          queue.push(step);
          model.push(step);
        }
        expect(queue.length).toBe(model.length);
        expect(queue.first).toBe(model[0]);
        expect(queue.last).toBe(model.at(-1));
        expect([...queue]).toEqual(model);
      }
    }),
  );
});
