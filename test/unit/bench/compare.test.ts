// What got worse from one result to the next.

import { describe, expect, test } from 'vitest';
import { compare, comparisonText, failed } from '../../../bench/report/compare.ts';
import type { Report } from '../../../bench/report/result.ts';
import { beside, produce, type Run, reportOf } from './report-of.ts';

describe('compare', () => {
  const runs = (values: readonly number[], figure = 'mbPerSecond'): Run[] =>
    values.map((value) => ['tidemark', produce, { [figure]: value }]);

  test('a change within the runs of either side is none', () => {
    const before = reportOf(runs([100, 110, 120]));
    const after = reportOf(runs([90, 95, 101]));
    expect(compare(before, after).worse).toEqual([]);
  });

  test('a rate that fell below all runs before is worse, a cost too', () => {
    const [slower] = compare(reportOf(runs([100, 110, 120])), reportOf(runs([70, 75, 80]))).worse;
    expect(slower?.worse).toBeCloseTo(110 / 75 - 1);
    const cost = 'brokerCpuSecondsPerGb';
    const dearer = compare(
      reportOf(runs([1, 1.1, 1.2], cost)),
      reportOf(runs([2, 2.2, 2.4], cost)),
    );
    expect(dearer.worse).toHaveLength(1);
    expect(comparisonText(dearer)).toContain('100 % worse: tidemark: produce 1 KiB');
  });

  test('what got better is told apart', () => {
    const { worse, better } = compare(
      reportOf(runs([70, 75, 80])),
      reportOf(runs([100, 110, 120])),
    );
    expect(worse).toEqual([]);
    expect(better).toHaveLength(1);
  });

  test('single runs are noise up to half', () => {
    expect(compare(reportOf(runs([100])), reportOf(runs([70]))).worse).toEqual([]);
    expect(compare(reportOf(runs([100])), reportOf(runs([60]))).worse).toHaveLength(1);
  });

  test('each cost that a suite adds is judged', () => {
    const costs = ['brokerCpuMicrosecondsPerRecord', 'killMetadataMs', 'joinSeconds'];
    for (const cost of [...costs, 'importCpuMs', 'startCpuSeconds', 'medianNanoseconds']) {
      const worse = compare(reportOf(runs([1, 1, 1], cost)), reportOf(runs([2, 2, 2], cost))).worse;
      expect(worse.map(({ figure }) => figure)).toEqual([cost]);
    }
  });

  test('another machine is told', () => {
    const machine = { processor: '64 × Other', kafka: '4.3.1', tidemark: 'x' };
    const found = compare(reportOf(beside), reportOf(beside, { machine, quick: true }));
    expect(comparisonText(found)).toContain(
      'measured otherwise: processor: 2 × Some <Processor> → 64 × Other\n',
    );
    expect(found.unlike).toContain('size: full → quick');
  });

  test('figures that only describe the run are not judged', () => {
    for (const figure of ['foreignCores', 'meanNanoseconds', 'maxMs']) {
      const found = compare(reportOf(runs([5], figure)), reportOf(runs([50], figure)));
      expect(found).toMatchObject({ compared: 0, worse: [], unjudged: [] });
    }
  });

  test('that the disk or a peer got slower is told, and is no fault of ours', () => {
    const of = (value: number): Report =>
      reportOf([
        ['disk', 'disk probe', { mbPerSecond: value }],
        ['kafka', produce, { mbPerSecond: value }],
        ['tidemark', 'start-up', { idleCpuPercent: 1 / value }],
        ['tidemark', produce, { mbPerSecond: 1 }],
      ]);
    const found = compare(of(9), of(1));
    expect(found.worse).toEqual([]);
    expect(failed(found)).toBe(false);
    expect(found.unjudged.map(({ system }) => system).sort()).toEqual([
      'disk',
      'kafka',
      'tidemark',
    ]);
    expect(comparisonText(found)).toContain('not judged:\n  800 % worse: ');
  });

  test('a row of ours that is gone fails, one of others is told', () => {
    const others = compare(
      reportOf([...runs([1]), ['kafka', produce, { mbPerSecond: 1 }]]),
      reportOf(runs([1])),
    );
    expect(others).toMatchObject({ gone: [], goneOfOthers: ['kafka: produce 1 KiB'] });
    expect(failed(others)).toBe(false);
    const ours = compare(reportOf(runs([1])), reportOf([]));
    expect(ours.gone).toEqual(['tidemark: produce 1 KiB']);
    expect(failed(ours)).toBe(true);
    expect(comparisonText(ours)).toContain('gone, only in the first: tidemark: produce 1 KiB\n');
  });
});
