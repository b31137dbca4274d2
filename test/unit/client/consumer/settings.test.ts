import { expect, test } from 'vitest';
import { settingsOf } from '../../../../src/client/consumer/settings.ts';
import type { ConsumerOptions } from '../../../../src/client/index.ts';

test.each([
  [{ topics: ['a'], from: 'erliest' }, /'erliest' is no place/],
  [{ topics: 'a' }, /topics 'a': write a list of names, as \['orders'\]/],
  [{ topics: [5] }, /topics \(a list\): write a list of names/],
  [{ topics: {} }, /topics \(an object\)/],
  [{ topics: null }, /topics null/],
  [{ assign: { topic: 'a', partition: 0 } }, /assign \(an object\): write a list of places/],
  [{ assign: [{ topic: 'a', partition: -1 }] }, /assign/],
  [{ assign: ['a'] }, /assign/],
  [{ topics: ['a'], from: 5 }, /5 is no place/],
  [{ topics: ['a'], from: { kind: 'nope' } }, /\(an object\) is no place/],
  [{ topics: ['a'], from: { kind: 'offset', offset: -1 } }, /is no place/],
  [{ topics: ['a'], from: new Date('x') }, /is no place/],
  [{ topics: ['a'], group: 5 }, /group 5: write text/],
  [{ topics: ['a'], group: '' }, /group '': write text/],
  [
    { topics: ['a'], group: 'g', protocol: 'new' },
    /protocol 'new': write one of classic, consumer/,
  ],
  [{ topics: ['a'], isolation: 'none' }, /isolation 'none': write one of read_committed/],
  [{ topics: ['a'], outOfRange: 'skip' }, /outOfRange 'skip'/],
  [{ topics: ['a'], group: 'g', autoCommit: 500 }, /autoCommit 500: write true, false, or/],
  [{ topics: ['a'], group: 'g', autoCommit: {} }, /autoCommit/],
  [{ topics: ['a'], onAssigned: 'x' }, /onAssigned 'x': write a function/],
  [{ topics: ['a'], signal: {} }, /signal \(an object\): write the signal/],
  [{ topics: ['a'], value: {} }, /value \(an object\): write the name of a serde/],
  [
    { topics: ['a'], sessionTimeoutMs: 6_000, heartbeatIntervalMs: 6_000 },
    /less than sessionTimeoutMs/,
  ],
  // Its default counts, too.
  [{ topics: ['a'], heartbeatIntervalMs: 60_000 }, /less than sessionTimeoutMs, 45000/],
  [{}, /either topics or assign/],
  [{ topics: [] }, /topics is an empty list/],
  [{ assign: [] }, /assign is an empty list/],
  [{ topics: ['a'], maxPollIntervalMs: 'soon' }, /maxPollIntervalMs 'soon': write a number from 1/],
  [{ topics: ['a'], maxWaitMs: -1 }, /maxWaitMs -1: write a number from 0/],
  [{ topics: ['a'], bufferBytes: Number.NaN }, /bufferBytes NaN/],
  [
    { topics: ['a'], group: 'g', autoCommit: { everyMs: 0 } },
    /autoCommit \(an object\): write true, false, or \{ everyMs/,
  ],
])('%j is no set of options', (options, message) => {
  const make = () => settingsOf(options as ConsumerOptions);
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(make).toThrow(message);
});

test('a short session has heartbeats to match', () => {
  const member = (sessionTimeoutMs: number) =>
    settingsOf({ topics: ['a'], group: 'g', sessionTimeoutMs }).member.heartbeatIntervalMs;
  expect(member(45_000)).toBe(3_000);
  expect(member(3_000)).toBe(1_000);
});
