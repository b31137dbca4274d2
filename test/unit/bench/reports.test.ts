// What is made of a result: goals, README tables, HTML page, comparison.

import { describe, expect, test } from 'vitest';
import { compare, comparisonText } from '../../../bench/report/compare.ts';
import { judge } from '../../../bench/report/goals.ts';
import { htmlOf } from '../../../bench/report/html.ts';
import { measurementsSection, replaceMeasurements } from '../../../bench/report/readme.ts';
import { Gathered, type Report } from '../../../bench/report/result.ts';
import { slopesOf, turnOf } from '../../../bench/report/slopes-section.ts';
import { goalText, numberText, ratioText } from '../../../bench/report/words.ts';
import type { Figures } from '../../../bench/suite.ts';

type Run = readonly [system: string, row: string, figures: Figures];

function reportOf(runs: readonly Run[], more: Partial<Report> = {}): Report {
  const gathered = new Gathered();
  for (const [system, row, figures] of runs) {
    gathered.add(
      system,
      row,
      figures,
      system === 'tidemark'
        ? [
            [1.5, 90],
            [20, 10],
          ]
        : undefined,
    );
  }
  return {
    format: 2,
    date: '2026-11-29T10:00:00.000Z',
    quick: false,
    command: 'npm run bench -- --peers kafka',
    machine: { processor: '2 × Some <Processor>', kafka: '4.3.1' },
    rows: { 'produce 1 KiB': 'rdkafka_performance -P' },
    missing: [],
    thrownOut: [],
    foreignCoresMax: 0.35,
    results: gathered.results(),
    ...more,
  };
}

const produce = 'produce 1 KiB';
const beside: readonly Run[] = [
  ['disk', 'disk probe', { mbPerSecond: 600 }],
  ['tidemark', produce, { mbPerSecond: 520, brokerCpuSecondsPerGb: 0.8, loopDelayP99Ms: 12 }],
  ['tidemark', produce, { mbPerSecond: 540, brokerCpuSecondsPerGb: 0.9, loopDelayP99Ms: 12 }],
  ['tidemark-os', produce, { mbPerSecond: 900 }],
  ['kafka', produce, { mbPerSecond: 700, brokerCpuSecondsPerGb: 1.7 }],
];

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
      ['tidemark', produce, { mbPerSecond: 500, p99Ms: 9, syncs: 1 }],
      ['klite', produce, { mbPerSecond: 400, p99Ms: 7, syncs: 2 }],
    ];
    const found = judge(reportOf(runs)).map(({ goal, reached }) => [goal.figure, reached]);
    expect(found).toEqual([
      ['mbPerSecond', true],
      ['p99Ms', false],
    ]);
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

const sectionOf = (report: Report, file: string): string => measurementsSection([{ report, file }]);

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

  test('rows without a goal are named', () => {
    const runs: Run[] = [
      ...beside,
      ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }],
      ['tidemark', 'slope, partitions: 10', { p99Ms: 1 }],
      ['redis', 'their own client', { requestsPerSecond: 1 }],
    ];
    expect(sectionOf(reportOf(runs), 'x.json')).toContain(
      '\nMeasured too, without a goal: slope, partitions; their own client ([report](x.html)).\n',
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

describe('rows that are not reached', () => {
  const busy = { seconds: 2, brokerCpuSeconds: 1.6, clientCpuSeconds: 2.2, syncs: 300 };
  const loop = { busyCores: 1.92, loopBusyPercent: 60, loopWaitingPercent: 20 };
  const runs: Run[] = [
    ['tidemark', 'produce 100 B', { recordsPerSecond: 2e6, ...busy, ...loop }],
    ['kafka', 'produce 100 B', { recordsPerSecond: 2.5e6 }],
  ];
  const profiles = [
    {
      row: 'produce 100 B',
      functions: [{ name: 'readBuffer', place: 'src/<x>.js:1', share: 0.25 }],
      calls: [{ name: 'writev', calls: 12_345, errors: 0, share: 0.5 }],
    },
  ];

  test('the page tells what was busy, and shows functions and system calls', () => {
    const html = htmlOf(reportOf(runs, { profiles }));
    expect(html).toContain('the processors are the limit, which broker and client share');
    expect(html).toContain('broker 0.8, client 1.1 of 2 cores');
    expect(html).toContain('<h4>Profile of Tidemark in “produce 100 B”</h4>');
    for (const text of ['readBuffer', 'src/&lt;x>.js:1', '25.0 %', 'writev', '12,345']) {
      expect(html).toContain(text);
    }
  });

  test('a page says of which row there is none', () => {
    const html = htmlOf(reportOf(runs));
    expect(html).toContain('There is no profile of this row.');
    expect(html).not.toContain('Profile of Tidemark');
  });

  test('shares are of the time in which records moved, where the client tells it', () => {
    const moving = runs.map(
      ([system, row, figures]): Run => [system, row, { ...figures, movingSeconds: 1 }],
    );
    const half = moving.map(
      ([system, row, figures]): Run => [
        system,
        row,
        { ...figures, brokerCpuSeconds: 0.4, busyCores: 0.5, loopBusyPercent: 20 },
      ],
    );
    const section = sectionOf(reportOf(half), 'x.json');
    expect(section).toContain('broker 0.4, client 2.2 of 2 cores, event loop running 40 % of the');
  });

  test('so does the README, a line for each row', () => {
    const section = sectionOf(reportOf(runs, { profiles }), 'x.json');
    expect(section).toContain('- produce 100 B: the processors are the limit');
    expect(section).toContain('event loop running 60 % of the time, waiting for a core 20 %');
  });

  test('a latency is told beside what a sync took', () => {
    const row = 'end to end, 10,000/s, linger 5';
    const section = sectionOf(
      reportOf([
        ['disk', 'disk probe', { recordCommitP50Ms: 0.4, recordCommitP99Ms: 9 }],
        ['tidemark', row, { p99Ms: 20 }],
        ['kafka', row, { p99Ms: 10 }],
      ]),
      'x.json',
    );
    expect(section).toContain(`- ${row}: the disk alone took 0.4 ms (p99 9 ms)`);
  });

  test('an event loop that had no time left is the limit, and else nothing on the processors is', () => {
    const with_ = (figures: Figures): string =>
      sectionOf(
        reportOf([
          ['tidemark', 'produce 100 B', { recordsPerSecond: 2e6, ...figures }],
          ...runs.slice(1),
        ]),
        'x.json',
      );
    expect(with_({ busyCores: 1.4, loopBusyPercent: 85, loopWaitingPercent: 10 })).toContain(
      'the event loop is the limit',
    );
    expect(with_({ busyCores: 1.4, loopBusyPercent: 50, loopWaitingPercent: 10 })).toContain(
      'no processor is the limit',
    );
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
  });
});

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
    for (const cost of [...costs, 'importCpuMs', 'startCpuSeconds', 'idleCpuPercent']) {
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

  test('figures that only describe the run are not judged, and lost rows are named', () => {
    const before = reportOf([...runs([5], 'foreignCores'), ['kafka', produce, { mbPerSecond: 1 }]]);
    const found = compare(before, reportOf(runs([1], 'foreignCores')));
    expect(found).toMatchObject({ compared: 0, gone: ['kafka: produce 1 KiB'] });
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
