// Bugs on purpose, planted in the coordinator's classes while a canary lives, so that the product needs no switch for
// them. Each breaks a promise in the way a real bug would; the simulation must notice.

import { ClassicGroup } from '../../src/coordinator/group/classic/classic-group.ts';
import { ConsumerGroup } from '../../src/coordinator/group/consumer/consumer-group.ts';
import { OffsetStore } from '../../src/coordinator/offsets/store.ts';
import { TimerQueue } from '../../src/coordinator/timers.ts';

export interface Canary {
  readonly name: string;
  /** Plants the bug and answers what takes it out again. */
  readonly plant: () => () => void;
  /** It must be found within so many seeds, by this. */
  readonly seedsMax: number;
  readonly sign: RegExp;
}

/** Puts another method in the place of one of a class. */
function replace<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K],
): () => void {
  const original = prototype[name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}

export const canaries: readonly Canary[] = [
  {
    name: 'hands partitions out before they are given up',
    seedsMax: 20,
    sign: /two owners/,
    plant: () => replace(ConsumerGroup.prototype, 'ownerOf', () => () => undefined),
  },
  {
    name: 'never takes out who does not give up, join or sync in time',
    seedsMax: 60,
    sign: /Stable/,
    plant: () =>
      replace(
        TimerQueue.prototype,
        'schedule',
        (schedule) =>
          function (this: TimerQueue<unknown>, key, delayMs, event) {
            if (!/^(rebalance|join|sync|session):/.test(key))
              schedule.call(this, key, delayMs, event);
          },
      ),
  },
  {
    name: 'forgets which members are gone when it reads its log',
    seedsMax: 20,
    sign: /Stable|two owners/,
    plant: () =>
      replace(
        ConsumerGroup.prototype,
        'apply',
        (apply) =>
          function (this: ConsumerGroup, record) {
            if (record.kind === 'consumer-member' && record.value === null) return 'live';
            return apply.call(this, record);
          },
      ),
  },
  {
    name: 'loses every twentieth commit',
    seedsMax: 40,
    sign: /went back|deeply equal/,
    plant: () => {
      let commits = 0;
      return replace(
        OffsetStore.prototype,
        'apply',
        (apply) =>
          function (this: OffsetStore, at, value, transaction) {
            if (value === null || ++commits % 20 !== 0) apply.call(this, at, value, transaction);
          },
      );
    },
  },
  {
    name: 'does not write what classic members have been given',
    seedsMax: 20,
    sign: /two owners|deeply equal/,
    plant: () =>
      replace(
        ClassicGroup.prototype,
        'toValue',
        (toValue) =>
          function (this: ClassicGroup) {
            return toValue.call(this, new Map());
          },
      ),
  },
  {
    name: 'does not write what members have still to give up',
    seedsMax: 20,
    sign: /two owners/,
    plant: () =>
      replace(
        ConsumerGroup.prototype,
        'apply',
        (apply) =>
          function (this: ConsumerGroup, record) {
            if (record.kind !== 'consumer-current' || record.value === null) {
              return apply.call(this, record);
            }
            const value = { ...record.value, partitionsPendingRevocation: [] };
            return apply.call(this, { ...record, value });
          },
      ),
  },
];
