// What a result says of each goal.

import { describe, expect, test } from 'vitest';
import { htmlOf } from '../../../bench/report/html.ts';
import { judge } from '../../../bench/report/verdicts.ts';
import { beside, pageOf, produce, type Run, reportOf, sectionOf } from './report-of.ts';

describe('goals', () => {
  const judged = judge(reportOf(beside));
  const of = (figure: string, ours = 'tidemark') =>
    judged.find((one) => one.goal.figure === figure && (one.goal.ours ?? 'tidemark') === ours);

  test('a ratio is of medians where rounds have no pairs, and is held against its limit', () => {
    expect(of('brokerCpuSecondsPerGb')).toMatchObject({ ours: 0.85, theirs: 1.7, reached: true });
    expect(of('brokerCpuSecondsPerGb')?.ratio).toBeCloseTo(0.5);
    expect(of('mbPerSecond', 'tidemark-os')).toMatchObject({ reached: false });
  });

  test('a rate below theirs is enough where it is what the disk does', () => {
    expect(of('mbPerSecond')).toMatchObject({ ours: 530, theirs: 700, reached: true });
    const slow = beside.map(
      ([system, row, figures]): Run =>
        system === 'disk' ? [system, row, { mbPerSecond: 700 }] : [system, row, figures],
    );
    const again = judge(reportOf(slow)).find((one) => one.goal.figure === 'mbPerSecond');
    expect(again?.reached).toBe(false);
  });

  test('an absolute goal needs no other system', () => {
    expect(of('loopDelayP99Ms')).toMatchObject({ ratio: 12, reached: false });
  });

  test('what was not measured is not judged', () => {
    expect(judge(reportOf(beside.slice(0, 2))).map((one) => one.goal.figure)).toEqual([
      'loopDelayP99Ms',
    ]);
  });

  test('beside klite each rate, cost and latency is to be better', () => {
    const runs: Run[] = [
      ['tidemark', produce, { mbPerSecond: 500, p50Ms: 1, p99Ms: 9, p999Ms: 9, syncs: 1 }],
      ['klite', produce, { mbPerSecond: 400, p50Ms: 2, p99Ms: 7, p999Ms: 8, syncs: 2 }],
    ];
    const found = judge(reportOf(runs)).map(({ goal, reached }) => [goal.figure, reached]);
    expect(found).toEqual([
      ['mbPerSecond', true],
      ['p50Ms', true],
      ['p99Ms', false],
      ['p999Ms', false],
    ]);
  });

  test("what a start, a restart and memory cost is to be less than klite's, too; its queue in a Java producer is no goal", () => {
    const java = 'produce 1 KiB, Java client';
    const of = (system: string, by: number): Run[] => [
      [
        system,
        'start-up',
        { readyMs: by, firstRecordMs: by, idleResidentMb: by, idleCpuPercent: by },
      ],
      [system, 'restart', { killWritableMs: by, killCpuMs: by, cleanWritableMs: by }],
      [
        system,
        java,
        { mbPerSecond: by, recordsPerSecond: by, p50Ms: by, brokerCpuSecondsPerGb: by },
      ],
      [system, 'memory after these runs', { residentMb: by }],
    ];
    const found = judge(reportOf([...of('tidemark', 2), ...of('klite', 1)]));
    expect(
      found.map(({ goal: { row, figure, limit }, reached }) => [row, figure, limit, reached]),
    ).toEqual([
      ['start-up', 'firstRecordMs', 1, false],
      ['start-up', 'idleResidentMb', 1, false],
      ['restart', 'killWritableMs', 1, false],
      ['restart', 'cleanWritableMs', 1, false],
      [java, 'mbPerSecond', 1, true],
      [java, 'brokerCpuSecondsPerGb', 1, false],
      ['memory after these runs', 'residentMb', 1, false],
    ]);
    expect(pageOf(reportOf([...of('tidemark', 2), ...of('klite', 1)]))).toContain(
      '| start-up | first record acknowledged, ms | 2 | 1 | 2 × | ≤ 1 × | **not reached** |',
    );
  });

  test("Kafka's own Java client has goals beside Kafka: rate and processor time", () => {
    const rows = ['produce 1 KiB, Java client', 'consume 1 KiB, Java client'];
    const of = (system: string, by: number): Run[] =>
      rows.map((row) => [system, row, { mbPerSecond: by, p50Ms: by, brokerCpuSecondsPerGb: by }]);
    const found = judge(reportOf([...of('tidemark', 81), ...of('kafka', 100)]));
    expect(found.map(({ goal, reached }) => [goal.row, goal.figure, reached])).toEqual(
      rows.flatMap((row) => [
        [row, 'mbPerSecond', false],
        [row, 'brokerCpuSecondsPerGb', true],
      ]),
    );
  });

  test('so is it beside others that were given by their command', () => {
    const runs: Run[] = [
      ['tidemark', produce, { mbPerSecond: 500 }],
      ['mine', produce, { mbPerSecond: 400 }],
    ];
    const peers = { mine: 'mine --at 127.0.0.1:{port} {data}' };
    expect(judge(reportOf(runs))).toEqual([]);
    expect(judge(reportOf(runs, { peers })).map(({ goal }) => goal.against)).toEqual(['mine']);
    const section = pageOf(reportOf(runs, { peers }));
    expect(section).toContain('### Beside mine: 1 of 1 goals reached');
    expect(section).toContain('\nPeer mine: `mine --at 127.0.0.1:{port} {data}`.\n');
    const html = htmlOf(reportOf(runs, { peers }));
    expect(html).toContain('<dt>peer mine</dt><dd>mine --at 127.0.0.1:{port} {data}</dd>');
  });

  const sends = 'single sends, 100 B';
  const clientRuns: Run[] = [
    ['tidemark on kafka', sends, { recordsPerSecond: 1_200, cpuSecondsPerMillion: 60 }],
    ['kafkajs on kafka', sends, { recordsPerSecond: 700, cpuSecondsPerMillion: 80 }],
    ['platformatic on kafka', sends, { recordsPerSecond: 1_000, cpuSecondsPerMillion: 120 }],
    ['raw socket on kafka', sends, { recordsPerSecond: 1_300, cpuSecondsPerMillion: 1 }],
    ['kcat on kafka', sends, { recordsPerSecond: 9_000, cpuSecondsPerMillion: 1 }],
  ];

  test('our client is held against the next of its kind in each figure, whatever a bare socket does', () => {
    const found = judge(reportOf(clientRuns));
    expect(found.map(({ goal, reached }) => [goal.figure, goal.against, reached])).toEqual([
      ['recordsPerSecond', 'platformatic on kafka', false],
      ['cpuSecondsPerMillion', 'kafkajs on kafka', false],
    ]);
    expect(found[1]?.ratio).toBeCloseTo(0.75);
  });

  test('README shows it on one line for each work and broker', () => {
    const section = sectionOf(reportOf([...clientRuns, ...clientRuns]), 'x.json');
    expect(section).toContain(
      '### Our client beside the next of kafkajs and @platformatic/kafka: 0 of 2 goals reached',
    );
    expect(section).toContain(
      `| ${sends} on Apache Kafka 4.3.1 | 1,200 | 1,000 (platformatic) | 1.2 × **not reached** (0 of 2) | ` +
        '60 | 80 (kafkajs) | 0.75 × **not reached** (0 of 2) |',
    );
  });

  describe('rounds', () => {
    const rounds = (ours: readonly number[], theirs: readonly number[], disk: number[] = []) =>
      reportOf([
        ...disk.map((mbPerSecond): Run => ['disk', 'disk probe', { mbPerSecond }]),
        ...ours.map((mbPerSecond): Run => ['tidemark', produce, { mbPerSecond }]),
        ...theirs.map((mbPerSecond): Run => ['kafka', produce, { mbPerSecond }]),
      ]);
    const of = (report: ReturnType<typeof rounds>) => judge(report)[0];

    test('a verdict is by most rounds, each beside theirs of the same, and the ratio is that of the middle one', () => {
      // The medians, 20 and 12, are of different rounds.
      const found = of(rounds([10, 20, 30], [11, 12, 40]));
      expect(found).toMatchObject({ ours: 20, theirs: 12, reached: false });
      expect(found?.ratio).toBeCloseTo(10 / 11);
      const five = of(rounds([10, 10, 10, 10, 10], [20, 5, 8, 40, 4]));
      expect(five).toMatchObject({ ratio: 1.25, reached: true, rounds: { held: 3, of: 5 } });
    });

    test('of an even number of rounds the worse of the two in the middle counts', () => {
      expect(of(rounds([10, 10], [20, 5]))).toMatchObject({ ratio: 0.5, reached: false });
      const costs = [10, 30].map(
        (loopDelayP99Ms): Run => ['tidemark', produce, { loopDelayP99Ms }],
      );
      expect(judge(reportOf(costs))).toMatchObject([{ ratio: 30, reached: false }]);
    });

    test('where fewer than four fifths of the rounds agree, the verdict says so', () => {
      const verdict = (...theirs: number[]): string | undefined =>
        /\| ([^|]*reached[^|]*) \|\n/.exec(
          pageOf(
            rounds(
              theirs.map(() => 10),
              theirs,
            ),
          ),
        )?.[1];
      expect(verdict(9, 9, 9, 9, 9)).toBe('reached (5 of 5)');
      expect(verdict(9, 9, 9, 9, 11)).toBe('reached (4 of 5)');
      expect(verdict(9, 9, 9, 11, 11)).toBe('reached, narrowly (3 of 5)');
      expect(verdict(9, 9, 11, 11, 11)).toBe('**not reached**, narrowly (2 of 5)');
      expect(verdict(9, 11, 11, 11, 11)).toBe('**not reached** (1 of 5)');
      expect(verdict(9, 9, 11)).toBe('reached, narrowly (2 of 3)');
      expect(htmlOf(rounds([10, 10, 10], [9, 11, 11]))).toContain(
        '>not reached, narrowly (1 of 3)</td>',
      );
    });

    test('what was measured once, or by one side alone, makes no pair', () => {
      expect(of(rounds([10], [9]))?.rounds).toBeUndefined();
      expect(pageOf(rounds([10], [9]))).toContain('| reached |');
      expect(of(rounds([10, 12, 13], [9]))?.rounds).toBeUndefined();
      expect(of(rounds([10, 12, 13], [9, 20]))?.rounds).toEqual({ held: 1, of: 2 });
    });

    test('the disk of the same round excuses, and the table tells what it did', () => {
      const report = rounds([90, 90], [200, 200], [100, 300]);
      expect(of(report)).toMatchObject({ reached: false, rounds: { held: 1, of: 2 } });
      expect(of(rounds([90, 90, 90], [200, 200, 200], [100, 300, 90]))?.reached).toBe(true);
      expect(pageOf(report)).toContain("≥ 1 ×, or 85 % of the disk's 200 |");
    });

    test('an absolute goal is held against each of our rounds', () => {
      const runs = [5, 9, 40].map(
        (loopDelayP99Ms): Run => ['tidemark', produce, { loopDelayP99Ms }],
      );
      expect(judge(reportOf(runs))).toMatchObject([{ reached: true, rounds: { held: 2, of: 3 } }]);
    });
  });
});
