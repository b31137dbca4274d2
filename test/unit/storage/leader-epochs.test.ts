import { expect, test } from 'vitest';
import { LeaderEpochs } from '../../../src/storage/leader-epochs.ts';

const epochs = new LeaderEpochs([
  { epoch: 2, startOffset: 10 },
  { epoch: 5, startOffset: 40 },
]);

test('an epoch ends where the next one begins, the newest at the end of the log', () => {
  expect(epochs.endOffsetFor(2, 90)).toEqual({ epoch: 2, endOffset: 40 });
  expect(epochs.endOffsetFor(4, 90)).toEqual({ epoch: 2, endOffset: 40 });
  expect(epochs.endOffsetFor(5, 90)).toEqual({ epoch: 5, endOffset: 90 });
});

test('nothing is said of epochs above and below those that are known: a reader would be sent back', () => {
  const nothing = { epoch: -1, endOffset: -1 };
  expect(epochs.endOffsetFor(6, 90)).toEqual(nothing);
  expect(epochs.endOffsetFor(1, 90)).toEqual(nothing);
  expect(epochs.endOffsetFor(-1, 90)).toEqual(nothing);
});
