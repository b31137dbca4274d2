// What is made of a result: goals, README tables, HTML page, slopes.

import { describe, expect, test } from 'vitest';
import { judge } from '../../../bench/report/goals.ts';
import { htmlOf } from '../../../bench/report/html.ts';
import { measurementsSection, replaceMeasurements } from '../../../bench/report/readme.ts';
import { slopesOf, turnOf } from '../../../bench/report/slopes-section.ts';
import { goalText, numberText, ratioText } from '../../../bench/report/words.ts';
import { beside, produce, type Run, reportOf, sectionOf } from './report-of.ts';

describe('goals', () => {
  const judged = judge(reportOf(beside));
  const of = (figure: string, ours = 'tidemark') =>
    judged.find((one) => one.goal.figure === figure && (one.goal.ours ?? 'tidemark') === ours);

  test('a ratio is of medians, and is held against its limit', () => {
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

  test('so is it beside others that were given by their command', () => {
    const runs: Run[] = [
      ['tidemark', produce, { mbPerSecond: 500 }],
      ['mine', produce, { mbPerSecond: 400 }],
    ];
    const peers = { mine: 'mine --at 127.0.0.1:{port} {data}' };
    expect(judge(reportOf(runs))).toEqual([]);
    expect(judge(reportOf(runs, { peers })).map(({ goal }) => goal.against)).toEqual(['mine']);
    const section = sectionOf(reportOf(runs, { peers }), 'x.json');
    expect(section).toContain('### Beside mine: 1 of 1 goals reached');
    expect(section).toContain('\nPeer mine: `mine --at 127.0.0.1:{port} {data}`.\n');
    const html = htmlOf(reportOf(runs, { peers }));
    expect(html).toContain('<dt>peer mine</dt><dd>mine --at 127.0.0.1:{port} {data}</dd>');
  });

  const sends = 'single sends, 100 B';
  const clientRuns = (socketPerSecond: number): Run[] => [
    ['tidemark on kafka', sends, { recordsPerSecond: 1_200, cpuSecondsPerMillion: 60 }],
    ['kafkajs on kafka', sends, { recordsPerSecond: 700, cpuSecondsPerMillion: 80 }],
    ['platformatic on kafka', sends, { recordsPerSecond: 1_000, cpuSecondsPerMillion: 120 }],
    ['raw socket on kafka', sends, { recordsPerSecond: socketPerSecond, cpuSecondsPerMillion: 1 }],
    ['kcat on kafka', sends, { recordsPerSecond: 9_000, cpuSecondsPerMillion: 1 }],
  ];

  test('our client is held against the next of its kind in each figure', () => {
    const found = judge(reportOf(clientRuns(2_000)));
    expect(found.map(({ goal, reached }) => [goal.figure, goal.against, reached])).toEqual([
      ['recordsPerSecond', 'platformatic on kafka', false],
      ['cpuSecondsPerMillion', 'kafkajs on kafka', false],
    ]);
    expect(found[1]?.ratio).toBeCloseTo(0.75);
  });

  test('a client that leaves the bare socket no such lead is as fast as can be', () => {
    const [rate] = judge(reportOf(clientRuns(1_700)));
    expect(rate).toMatchObject({ goal: { figure: 'recordsPerSecond' }, reached: true });
  });
});

describe('README', () => {
  const readme = 'before\n<!-- measurements:begin -->\nold\n<!-- measurements:end -->\nafter\n';

  test('what stands between the markers is exchanged, the rest stays', () => {
    const section = sectionOf(reportOf(beside), 'bench/results/one.json');
    const changed = replaceMeasurements(readme, section);
    expect(changed.startsWith('before\n<!-- measurements:begin -->\n## Measured\n')).toBe(true);
    expect(changed.endsWith('<!-- measurements:end -->\nafter\n')).toBe(true);
    expect(changed).not.toContain('old');
    expect(changed).toContain('bench/results/one.json');
    expect(changed).toContain(
      '| produce 1 KiB | broker CPU, s per GB | 0.85 (0.8–0.9) | 1.7 | 0.5 × | ≤ 0.6 × | reached |',
    );
    expect(changed).toContain('**not reached**');
    expect(replaceMeasurements(changed, section)).toBe(changed);
  });

  test('of several runs each pair of systems has one table, and what two have is of the first', () => {
    const other: Run[] = [
      ['tidemark', produce, { mbPerSecond: 777, brokerCpuSecondsPerGb: 1, loopDelayP99Ms: 99 }],
      ['tidemark', 'start-up', { firstRecordMs: 150 }],
      ['klite', produce, { mbPerSecond: 300, recordsPerSecond: 3e5 }],
      ['klite', 'start-up', { firstRecordMs: 15 }],
    ];
    const shown = [
      { report: reportOf(beside), file: 'a.json' },
      { report: reportOf(other), file: 'b.json' },
    ];
    const section = measurementsSection(shown);
    expect(section.match(/^## /gm)).toHaveLength(1);
    expect(section.indexOf('a.json')).toBeLessThan(section.indexOf('b.json'));
    expect(section.match(/^Machine: /gm)).toHaveLength(1);
    expect(section.match(/^### .*/gm)).toEqual([
      '### Beside Apache Kafka 4.3.1: 2 of 3 goals reached',
      '### On its own: 0 of 1 goals reached',
      '### Beside klite: 1 of 1 goals reached',
    ]);
    expect(section).toContain('| produce 1 KiB | event-loop delay p99, ms | 12 (12–12) |');
    expect(section).not.toContain('| 99 |');
    expect(section).toContain('| produce 1 KiB | MB/s | 777 | 300 | 2.59 × | ≥ 1 × | reached |');
    expect(section).toContain(
      '| start-up | first record acknowledged, ms | 150 | 15 | 10 × |  |  |',
    );
  });

  test('what has no goal is shown beside Kafka, each rate once', () => {
    const java = 'produce 1 KiB, Java client';
    const runs: Run[] = [
      ...beside,
      ['tidemark', java, { recordsPerSecond: 4, mbPerSecond: 64, brokerWrittenMb: 0, seconds: 9 }],
      ['kafka', java, { recordsPerSecond: 8, mbPerSecond: 80, brokerWrittenMb: 0.1, seconds: 8 }],
    ];
    const section = sectionOf(reportOf(runs), 'x.json');
    const [, also = ''] = section.split('### Measured too, without a goal\n');
    expect(also.match(/^\| .*/gm)).toEqual([
      '| work | figure | Tidemark | Apache Kafka 4.3.1 | ratio |',
      '| --- | --- | --- | --- | --- |',
      `| ${java} | MB/s | 64 | 80 | 0.8 × |`,
    ]);
    expect(section).not.toContain('not beside Kafka');
  });

  test('sizes of compressed records are told to be those before', () => {
    const lz4 = 'produce 1 KiB, lz4';
    const runs: Run[] = [
      ['tidemark', lz4, { mbPerSecond: 9 }],
      ['kafka', lz4, { mbPerSecond: 8 }],
    ];
    expect(sectionOf(reportOf(runs), 'x.json')).toContain(`| ${lz4} (before compression) | MB/s |`);
  });

  test('rows beside nobody are named', () => {
    const runs: Run[] = [
      ...beside,
      ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }],
      ['tidemark', 'slope, partitions: 10', { p99Ms: 1 }],
      ['redis', 'their own client', { requestsPerSecond: 1 }],
    ];
    expect(sectionOf(reportOf(runs), 'x.json')).toContain(
      '\nMeasured too, not beside Kafka: slope, partitions; their own client ([report](x.html)).\n',
    );
    expect(sectionOf(reportOf(beside), 'x.json')).not.toContain('Measured too');
  });

  test('a profile is named where there is one', () => {
    const profiles = [
      { row: produce, functions: [], calls: [{ name: 'x', calls: 1, errors: 0, share: 1 }] },
      { row: 'consume 1 KiB', functions: [], calls: [] },
    ];
    const figures = { seconds: 1, brokerCpuSeconds: 1 };
    const runs = beside.map(([system, row, more]): Run => [system, row, { ...figures, ...more }]);
    const section = sectionOf(reportOf(runs, { profiles }), 'x.json');
    expect(section).toContain(
      'Profiles (functions and system calls) are in [the report](x.html) of produce 1 KiB.',
    );
    expect(sectionOf(reportOf(runs, { profiles: [] }), 'x.json')).not.toContain('Profiles');
  });

  test('a measurement that was kept though it was disturbed is named', () => {
    const runs: Run[] = [...beside, ['kafka', produce, { mbPerSecond: 1, foreignCores: 0.9 }]];
    const report = reportOf(runs);
    expect(sectionOf(report, 'x.json')).toContain(
      'Kept though others were as busy as that in every try: Apache Kafka 4.3.1: produce 1 KiB (1).',
    );
    expect(htmlOf(report)).toContain('Kept though others were busy in every try');
  });

  test('a README without markers is refused', () => {
    expect(() => replaceMeasurements('nothing', 'x')).toThrow('measurements:begin');
  });

  test('what is missing and what was thrown out is told', () => {
    const section = sectionOf(
      reportOf(beside, {
        missing: [{ what: 'klite', why: 'give its binary\nmore' }],
        thrownOut: [{ system: 'kafka', row: produce, foreignCores: 1.2 }],
      }),
      'x.json',
    );
    expect(section).toContain('Not measured: klite (give its binary).');
    expect(section).toContain('1 measurements were thrown out');
  });
});

describe('the HTML report', () => {
  test('is one page without outside parts, and every system, row and gap is in it', () => {
    const report = reportOf([...beside, ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }]], {
      missing: [{ what: 'klite', why: 'a <reason>' }],
    });
    const html = htmlOf(report);
    expect(html).not.toMatch(/(src|href)=|@import|url\(/);
    expect(html).toContain('a &lt;reason>');
    expect(html).toContain('2 × Some &lt;Processor>');
    for (const text of ['Goals: ', 'Apache Kafka 4.3.1', 'Tidemark, --flush os', 'p99.9']) {
      expect(html).toContain(text);
    }
    expect(html).not.toContain('NaN');
    expect(html).not.toContain('undefined');
  });

  test('what is told of all rows is true of those that are there', () => {
    const plain = htmlOf(reportOf([['tidemark on kafka', 'consume', { recordsPerSecond: 7 }]]));
    expect(plain).toContain('consume: records/s');
    for (const text of ['interleaved', 'Broker CPU', 'flush.messages', 'Not whole']) {
      expect(plain).not.toContain(text);
    }
    const runs: Run[] = [
      ...beside,
      ['tidemark', 'consume 1 KiB', { foreignCores: 0.1, brokerCpuSeconds: 1 }],
    ];
    const html = htmlOf(reportOf(runs, { interrupted: true }));
    for (const text of ['interleaved', 'Broker CPU', 'flush.messages', 'Not whole']) {
      expect(html).toContain(text);
    }
    const slope: Run = ['tidemark', 'slope, partitions: 1', { p99Ms: 1, foreignCores: 0 }];
    expect(htmlOf(reportOf([slope]))).not.toContain('interleaved');
  });

  test('slopes are in order of their number', () => {
    const report = reportOf([
      ['tidemark', 'slope, partitions: 1,000', { p99Ms: 3 }],
      ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }],
      ['tidemark', 'slope, connections: 10', { p99Ms: 2 }],
    ]);
    expect([...slopesOf(report).keys()]).toEqual(['partitions', 'connections']);
    expect(
      slopesOf(report)
        .get('partitions')
        ?.map((point) => point.at),
    ).toEqual([1, 1000]);
    expect(htmlOf(report)).toContain('as partitions grow');
  });
});

describe('slopes', () => {
  const points = (values: readonly number[]) =>
    values.map((p99Ms, index) => ({ at: 10 ** index, figures: { p99Ms } }));

  test('a cost turns where it is half as much again as its smallest before', () => {
    expect(turnOf(points([4, 2, 2.5, 3.1, 9]), 'p99Ms')).toEqual({
      figure: 'p99Ms',
      low: { at: 10, value: 2 },
      turned: { at: 1_000, value: 3.1 },
      last: { at: 10_000, value: 9 },
    });
    expect(turnOf(points([4, 3, 4]), 'p99Ms')?.turned).toBeNull();
    expect(turnOf(points([4]), 'p99Ms')).toBeNull();
  });

  test('the page tells the point', () => {
    const html = htmlOf(
      reportOf([
        ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }],
        ['tidemark', 'slope, partitions: 1,000', { p99Ms: 3 }],
      ]),
    );
    expect(html).toContain('p99, ms: 1 at 1, turns at 1,000: 3 times as much');
    expect(html).toContain('fewer records share a batch');
  });

  test('a reason is told where a line turns, and that there is none where none is known', () => {
    const pageOf = (what: string, last: number): string =>
      htmlOf(
        reportOf([
          ['tidemark', `slope, ${what}: 1`, { p99Ms: 1 }],
          ['tidemark', `slope, ${what}: 10`, { p99Ms: last }],
        ]),
      );
    expect(pageOf('partitions', 1)).not.toContain('fewer records share a batch');
    expect(pageOf('connections', 1)).not.toContain('not known');
    expect(pageOf('connections', 9)).toContain('Why it turns there is not known.');
  });
});

describe('numbers as people read them', () => {
  test('three digits, and fractions where a ratio is small', () => {
    expect([1234.5, 12.345, 0.001234, Number.NaN].map(numberText)).toEqual([
      '1,230',
      '12.3',
      '0.00123',
      '–',
    ]);
    expect([1 / 16, 0.62, 2].map(ratioText)).toEqual(['1/16', '0.62 ×', '2 ×']);
    const goal = { row: '', figure: '', limit: 1, better: 'higher', against: 'kafka' } as const;
    expect(goalText({ ...goal, orShareOfDisk: 0.85 })).toBe('≥ 1 ×, or 85 % of the disk');
    expect(goalText({ ...goal, orShareOfSocket: 1 / 1.5 })).toBe(
      '≥ 1 ×, or 67 % of the bare socket',
    );
  });
});
