import { expect, test } from 'vitest';
import { LeaderEpochs } from '../../../../src/storage/metadata/leader-epochs.ts';

const epochs = new LeaderEpochs([
  { epoch: 2, startOffset: 10 },
  { epoch: 5, startOffset: 40 },
]);

test('an epoch ends where the next one begins, the newest at the end of the log', () => {
  expect(epochs.endOffsetFor(2, 90)).toEqual({ epoch: 2, endOffset: 40 });
  expect(epochs.endOffsetFor(4, 90)).toEqual({ epoch: 2, endOffset: 40 });
  expect(epochs.endOffsetFor(5, 90)).toEqual({ epoch: 5, endOffset: 90 });
});

test('of an epoch above those that are known nothing is said', () => {
  const nothing = { epoch: -1, endOffset: -1 };
  expect(epochs.endOffsetFor(6, 90)).toEqual(nothing);
  expect(epochs.endOffsetFor(-1, 90)).toEqual(nothing);
});

test('an epoch below those that are known cuts nobody off, nor resets him as an unknown one does', () => {
  expect(epochs.endOffsetFor(1, 90)).toEqual({ epoch: 1, endOffset: 90 });
});

test('a start that is raised in two steps leaves what one step leaves: the marks know it by a checksum', () => {
  const entries = [
    { epoch: 0, startOffset: 0 },
    { epoch: 1, startOffset: 100 },
  ];
  const [one, two] = [new LeaderEpochs(entries), new LeaderEpochs(entries)];
  one.truncateStart(100);
  two.truncateStart(50);
  two.truncateStart(100);
  expect(two.entries).toEqual(one.entries);
  expect(one.entries).toEqual([{ epoch: 1, startOffset: 100 }]);
});
