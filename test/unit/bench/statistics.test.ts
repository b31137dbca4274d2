import { describe, expect, test } from 'vitest';
import { performanceLine } from '../../../bench/load/clients.ts';
import { Gathered } from '../../../bench/report/result.ts';
import { spreadOf, spreads } from '../../../bench/report/statistics.ts';

describe('spreads', () => {
  test('the median of an even count lies between the middle two', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(spreadOf([5])).toEqual({ min: 5, median: 5, max: 5 });
  });

  test('a figure that only some runs have is told of these', () => {
    const spread = spreads([{ a: 1 }, { a: 3, b: 7 }, { a: 2 }]);
    expect(spread['a']).toEqual({ min: 1, median: 2, max: 3 });
    expect(spread['b']).toEqual({ min: 7, median: 7, max: 7 });
  });

  test('runs are gathered by system and row, in the order of their first', () => {
    const gathered = new Gathered();
    gathered.add('ours', 'produce', { mbPerSecond: 10 }, [[1, 5]]);
    gathered.add('theirs', 'produce', { mbPerSecond: 20 });
    gathered.add('ours', 'produce', { mbPerSecond: 30 }, [[1, 5]]);
    const [ours, theirs] = gathered.results();
    expect(ours).toMatchObject({ system: 'ours', latencies: [[1, 10]] });
    expect(ours?.spread['mbPerSecond']).toEqual({ min: 10, median: 20, max: 30 });
    expect(theirs?.latencies).toBeUndefined();
  });
});

describe('what rdkafka_performance says', () => {
  test('its last line counts', () => {
    const output = [
      '% 1000 messages produced (1024000 bytes), 500 delivered (offset 3, 0 failed) in 100ms: 5000 msgs/s and 5.12 MB/s',
      '% 40000 messages produced (40960000 bytes), 40000 delivered (offset 6666, 0 failed) in 359ms: 111346 msgs/s and 114.02 MB/s, 1 produce failures, 0 in queue, no compression',
    ].join('\n');
    expect(performanceLine(output)).toEqual({ records: 40_000, ms: 359 });
    const consumed =
      '% 40000 messages (40960000 bytes) consumed in 93ms: 430107 msgs/s (440.43 MB/s)';
    expect(performanceLine(consumed)).toEqual({ records: 40_000, ms: 93 });
  });

  test('output without it is an error that shows the output', () => {
    expect(() => performanceLine('no brokers')).toThrow('no brokers');
  });
});
