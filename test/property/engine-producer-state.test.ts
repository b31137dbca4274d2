import { expect, test } from 'vitest';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from '../../src/engine/producer-snapshot.ts';
import { ProducerStates } from '../../src/engine/producer-state.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';

const WRAP = 2 ** 31;

interface Stored {
  readonly producerId: number;
  readonly epoch: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly baseOffset: number;
}

/** The rules of KIP-98 said the simplest way: by looking through all that was ever stored. */
function modelVerdict(log: readonly Stored[], claim: Omit<Stored, 'baseOffset'>): string {
  const own = log.filter((batch) => batch.producerId === claim.producerId);
  const last = own.at(-1);
  if (last === undefined) return 'new';
  if (claim.epoch < last.epoch) return 'INVALID_PRODUCER_EPOCH';
  if (claim.epoch > last.epoch) {
    return claim.baseSequence === 0 ? 'new' : 'OUT_OF_ORDER_SEQUENCE_NUMBER';
  }
  const recent = own.filter((batch) => batch.epoch === claim.epoch).slice(-5);
  const same = recent.findLast(
    (batch) => batch.baseSequence === claim.baseSequence && batch.count === claim.count,
  );
  if (same !== undefined) return `duplicate ${same.baseOffset}`;
  const due = (last.baseSequence + last.count) % WRAP;
  return claim.baseSequence === due ? 'new' : 'OUT_OF_ORDER_SEQUENCE_NUMBER';
}

function verdict(states: ProducerStates, claim: Omit<Stored, 'baseOffset'>): string {
  const { producerId, epoch, baseSequence, count } = claim;
  const lastSequence = (baseSequence + count - 1) % WRAP;
  try {
    const known = states.check({ producerId, epoch, baseSequence, lastSequence });
    return known === null ? 'new' : `duplicate ${known.baseOffset}`;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

function store(states: ProducerStates, log: Stored[], claim: Omit<Stored, 'baseOffset'>): void {
  const baseOffset = log.reduce((end, batch) => end + batch.count, 0);
  const { producerId, epoch, baseSequence, count } = claim;
  const lastSequence = (baseSequence + count - 1) % WRAP;
  const lastOffset = baseOffset + count - 1;
  log.push({ ...claim, baseOffset });
  states.apply(
    producerId,
    epoch,
    { baseSequence, lastSequence, baseOffset, lastOffset, timestampMs: 1 },
    1,
  );
}

/** Where a batch begins, relative to what is due: mostly right, else a repetition, a gap or anything. */
const step = fc.record({
  producerId: fc.constantFrom(1, 2),
  bumpEpoch: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1),
  start: fc.oneof(
    { weight: 6, arbitrary: fc.constant<'due'>('due') },
    { weight: 3, arbitrary: fc.nat({ max: 7 }).map((back) => ({ back })) },
    { weight: 1, arbitrary: fc.constantFrom({ at: 0 }, { at: WRAP - 2 }, { at: 17 }) },
  ),
  count: fc.integer({ min: 1, max: 4 }),
  snapshot: fc.boolean(),
});

test('verdicts are those of a model that remembers everything, across snapshots', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let states = new ProducerStates();
      const log: Stored[] = [];
      for (const { producerId, bumpEpoch, start, count: wanted, snapshot } of steps) {
        if (snapshot) states = decodeProducerSnapshot(encodeProducerSnapshot(states));
        const own = log.filter((batch) => batch.producerId === producerId);
        const last = own.at(-1);
        const epoch = Math.max(0, (last?.epoch ?? 1) + bumpEpoch);
        let baseSequence = last === undefined ? 0 : (last.baseSequence + last.count) % WRAP;
        let count = wanted;
        if (typeof start === 'object' && 'at' in start) baseSequence = start.at;
        if (typeof start === 'object' && 'back' in start) {
          const old = own.at(-1 - start.back);
          baseSequence = old?.baseSequence ?? 3;
          count = old?.count ?? wanted;
        }
        const claim = { producerId, epoch, baseSequence, count };
        const expected = modelVerdict(log, claim);
        expect(verdict(states, claim)).toBe(expected);
        if (expected === 'new') store(states, log, claim);
      }
    }),
    { numRuns: amount(60, 500) },
  );
});

test('a client with five requests in flight, losing answers, has each batch stored once, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (losses) => {
      const states = new ProducerStates();
      const log: Stored[] = [];
      // What the client sends next, and sends again from as long as an answer is missing.
      let acknowledged = 0;
      for (let round = 0; round < losses.length; round += 5) {
        for (let flight = 0; flight < 5; flight += 1) {
          const claim = {
            producerId: 1,
            epoch: 0,
            baseSequence: (acknowledged + flight) * 2,
            count: 2,
          };
          const answer = verdict(states, claim);
          expect(answer).not.toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
          if (answer === 'new') store(states, log, claim);
        }
        // Answers come in order; the first one lost leaves the rest to be sent again.
        const lost = losses.slice(round, round + 5).indexOf(true);
        acknowledged += lost === -1 ? 5 : lost;
      }
      expect(log.map((batch) => batch.baseSequence)).toEqual(log.map((_, index) => index * 2));
    }),
  );
});
