// What is made of results: README's tables, RESULTS.md, HTML page, slopes.

import { describe, expect, test } from 'vitest';
import { faultOf } from '../../../bench/report/documents.ts';
import { htmlOf } from '../../../bench/report/html.ts';
import { measurementsSection, replaceMeasurements } from '../../../bench/report/readme.ts';
import { resultsPage } from '../../../bench/report/results-page.ts';
import { slopesOf, turnOf } from '../../../bench/report/slopes-section.ts';
import { goalText, numberText, ratioText } from '../../../bench/report/words.ts';
import { beside, pageOf, produce, type Run, reportOf, sectionOf } from './report-of.ts';

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

  test('README has the goals beside Kafka, and links to everything else', () => {
    const klite: Run = ['klite', produce, { mbPerSecond: 300 }];
    const section = sectionOf(reportOf([...beside, klite]), 'bench/results/x.json');
    expect(section.match(/^### .*/gm)).toEqual([
      '### Beside Apache Kafka 4.3.1: 2 of 3 goals reached',
    ]);
    expect(section).toContain('[bench/RESULTS.md](bench/RESULTS.md)');
    expect(section).not.toContain('What the limit is');
    const page = pageOf(reportOf([...beside, klite]), 'bench/results/x.json');
    expect(page).toContain('([result](results/x.json), [report](results/x.html))');
    expect(page).toContain('### Beside klite: 1 of 1 goals reached');
    expect(page).toContain('### What the limit is in the rows that are not reached');
  });

  test('how many goals were reached is told of every result that is kept, but for very short ones', () => {
    const slow = beside.map(
      ([system, row, figures]): Run =>
        system === 'tidemark'
          ? [system, row, { ...figures, brokerCpuSecondsPerGb: 9 }]
          : [system, row, figures],
    );
    const machine = { processor: '2 × Slow', tidemark: 'abc1234' };
    const section = measurementsSection(
      [{ report: reportOf([...beside, ['klite', produce, { mbPerSecond: 300 }]]), file: 'a.json' }],
      [
        { report: reportOf(slow, { machine }), file: 'bench/results/slow.json' },
        { report: reportOf(slow, { machine, quick: true }), file: 'bench/results/quick.json' },
        { report: reportOf([['tidemark', 'replay', { mbPerSecond: 1 }]]), file: 'tools.json' },
      ],
    );
    expect(section).toContain(
      `
| goals reached | beside Apache Kafka 4.3.1 | beside klite |
| --- | --- | --- |
| in the runs above | 2 of 3 | 1 of 1 |
| [slow](bench/results/slow.json): 2 × Slow, 2026-11-29, commit abc1234 | 1 of 3 | – |

`,
    );
  });

  test('a result that is shown in part is counted by itself, too', () => {
    const runs = (mbPerSecond: number): Run[] => [
      ['tidemark', produce, { mbPerSecond }],
      ['kafka', produce, { mbPerSecond: 5 }],
    ];
    const restart: Run[] = [
      ['tidemark', 'restart', { killWritableMs: 1 }],
      ['kafka', 'restart', { killWritableMs: 100 }],
    ];
    const machine = { processor: '2 × Some', tidemark: 'abc1234' };
    const section = measurementsSection(
      [
        { report: reportOf(runs(6)), file: 'a.json' },
        { report: reportOf([...runs(4), ...restart], { machine }), file: 'b.json' },
      ],
      [],
    );
    expect(section).toContain('| in the runs above | 2 of 2 |\n');
    expect(section).toContain('| [b](b.json): 2 × Some, 2026-11-29, commit abc1234 | 1 of 2 |\n');
    expect(section).not.toContain('[a](a.json)');
  });

  test('of several runs each pair of systems has one table, and what two have is of the first', () => {
    const other: Run[] = [
      ['tidemark', produce, { mbPerSecond: 777, brokerCpuSecondsPerGb: 1, loopDelayP99Ms: 99 }],
      ['tidemark', 'start-up', { firstRecordMs: 150 }],
      ['klite', produce, { mbPerSecond: 300, recordsPerSecond: 3e5 }],
      ['klite', 'start-up', { firstRecordMs: 15 }],
      ['klite', 'restart', { killWritableMs: 15 }],
    ];
    const shown = [
      { report: reportOf(beside), file: 'a.json' },
      { report: reportOf(other), file: 'b.json' },
    ];
    const section = resultsPage(shown);
    expect(section.match(/^# /gm)).toHaveLength(1);
    expect(section.indexOf('a.json')).toBeLessThan(section.indexOf('b.json'));
    expect(section.match(/^Machine: /gm)).toHaveLength(1);
    expect(section).toContain('a.html)): brokers\n');
    expect(section).toContain('b.html)): brokers (only Tidemark, klite), restart\n');
    expect(section.match(/^### [^W].*/gm)).toEqual([
      '### Beside Apache Kafka 4.3.1: 2 of 3 goals reached',
      '### On its own: 0 of 1 goals reached',
      '### Beside klite: 1 of 2 goals reached',
    ]);
    expect(section).toContain('| produce 1 KiB | event-loop delay p99, ms | 12 (12–12) |');
    expect(section).not.toContain('| 99 |');
    expect(section).toContain('| produce 1 KiB | MB/s | 777 | 300 | 2.59 × | ≥ 1 × | reached |');
  });

  test('where runs are of different machines each tells its own', () => {
    const machine = { processor: '2 × Other' };
    const page = resultsPage([
      { report: reportOf(beside), file: 'a.json' },
      {
        report: reportOf([['tidemark on kafka', 'consume, 100 B', {}]], { machine }),
        file: 'b.json',
      },
    ]);
    expect(page).toContain('a.html)): brokers. Machine: 2 × Some');
    expect(page).toContain('b.html)): client. Machine: 2 × Other');
    expect(page).not.toMatch(/^Machine/m);
  });

  test('what has no goal is shown beside Kafka, each rate once', () => {
    const work = 'some work';
    const runs: Run[] = [
      ...beside,
      [
        'tidemark',
        work,
        {
          recordsPerSecond: 4,
          mbPerSecond: 64,
          deviceWrittenMb: 0,
          brokerWrittenMb: 9,
          seconds: 9,
        },
      ],
      [
        'kafka',
        work,
        {
          recordsPerSecond: 8,
          mbPerSecond: 80,
          deviceWrittenMb: 0.1,
          brokerWrittenMb: 9,
          seconds: 8,
        },
      ],
    ];
    const section = pageOf(reportOf(runs));
    const [, also = ''] = section.split('### Measured too, without a goal\n');
    expect(also.match(/^\| .*/gm)).toEqual([
      '| work | figure | Tidemark | Apache Kafka 4.3.1 | ratio |',
      '| --- | --- | --- | --- | --- |',
      `| ${work} | MB/s | 64 | 80 | 0.8 × |`,
    ]);
    expect(section).not.toContain('not beside Kafka');
    const rounds = [
      ...runs,
      ...['tidemark', 'kafka'].map((one): Run => [one, work, { mbPerSecond: 80 }]),
    ];
    expect(pageOf(reportOf(rounds))).toContain('| 72 (64–80) | 80 (80–80) | 0.8 × |');
  });

  test('sizes of compressed records are told to be those before', () => {
    const lz4 = 'produce 1 KiB, lz4';
    const runs: Run[] = [
      ['tidemark', lz4, { mbPerSecond: 9 }],
      ['kafka', lz4, { mbPerSecond: 8 }],
    ];
    expect(pageOf(reportOf(runs))).toContain(`| ${lz4} (before compression) | MB/s |`);
  });

  test('what klite is stands where it is named first', () => {
    const klite: Run = ['klite', produce, { mbPerSecond: 300 }];
    const peers = { klite: 'klite --listen 127.0.0.1:{port}', mine: 'mine {port} {data}' };
    const report = reportOf([...beside, klite], { peers });
    const about =
      "klite: a broker in Go that speaks Kafka's protocol and, as Tidemark, syncs before it acknowledges";
    expect(pageOf(report)).toContain(`\nPeer ${about}; \`klite --listen 127.0.0.1:{port}\`.\n`);
    expect(pageOf(report)).toContain('\nPeer mine: `mine {port} {data}`.\n');
    // Results that do not tell a peer's command.
    expect(sectionOf(reportOf([...beside, klite]), 'x.json')).toContain(`\nPeer ${about}.\n`);
    expect(htmlOf(report)).toContain(`<p>${about}.</p>`);
  });

  test('rows beside nobody are named', () => {
    const runs: Run[] = [
      ...beside,
      ['tidemark', 'slope, partitions: 1', { p99Ms: 1 }],
      ['tidemark', 'slope, partitions: 10', { p99Ms: 1 }],
      ['redis', 'their own client', { requestsPerSecond: 1 }],
    ];
    expect(pageOf(reportOf(runs))).toContain(
      '\nMeasured too, not beside Kafka: slope, partitions; their own client ([report](results/x.html)).\n',
    );
    expect(pageOf(reportOf(beside))).not.toContain('Measured too');
  });

  test('a profile is named where there is one', () => {
    const profiles = [
      { row: produce, functions: [], calls: [{ name: 'x', calls: 1, errors: 0, share: 1 }] },
      { row: 'consume 1 KiB', functions: [], calls: [] },
    ];
    const figures = { seconds: 1, brokerCpuSeconds: 1 };
    const runs = beside.map(([system, row, more]): Run => [system, row, { ...figures, ...more }]);
    const section = pageOf(reportOf(runs, { profiles }));
    expect(section).toContain(
      'Profiles (functions and system calls) are in [the report](results/x.html) of produce 1 KiB.',
    );
    expect(pageOf(reportOf(runs, { profiles: [] }))).not.toContain('Profiles');
  });

  test('a measurement that was kept though it was disturbed is named', () => {
    const runs: Run[] = [...beside, ['kafka', produce, { mbPerSecond: 1, foreignCores: 0.9 }]];
    const report = reportOf(runs);
    expect(pageOf(report)).toContain(
      'Kept though others had more than 0.35 cores busy in every try: Apache Kafka 4.3.1: produce 1 KiB (1).',
    );
    expect(htmlOf(report)).toContain('Kept though others were busy in every try');
  });

  test('a result of code that no commit has is refused', () => {
    const of = (tidemark: string) => ({
      report: reportOf(beside, { machine: { tidemark } }),
      file: `${tidemark}.json`,
    });
    expect(faultOf([of('abc1234')])).toBeUndefined();
    expect(faultOf([of('abc1234'), of('def5678-dirty')])).toBe(
      'def5678-dirty.json is of def5678-dirty, code that no commit has: commit, then measure again',
    );
  });

  test('so is one in which the setting that is not to sync did', () => {
    const of = (...syncs: number[]) => ({
      report: reportOf(syncs.map((count): Run => ['tidemark-os', produce, { syncs: count }])),
      file: 'os.json',
    });
    expect(faultOf([of(0, 0, 1)])).toBeUndefined();
    expect(faultOf([of(0, 0), of(458, 536)])).toBe(
      'os.json has tidemark-os syncing, 497 times in "produce 1 KiB": measure again with a --flush os that works',
    );
  });

  test('a README without markers is refused', () => {
    expect(() => replaceMeasurements('nothing', 'x')).toThrow('measurements:begin');
  });

  test('what is missing is told, and what was thrown out of the rows that are in a table', () => {
    const lost = (system: string, row: string) => ({ system, row, foreignCores: 1.2 });
    const first = reportOf(beside, {
      missing: [{ what: 'klite', why: 'give its binary\nmore' }],
      thrownOut: [lost('kafka', produce), lost('tidemark', produce), lost('kafka', 'slope, x: 1')],
    });
    expect(pageOf(first)).toContain('Not measured: klite (give its binary).');
    const text =
      '2 measurements of these rows were thrown out and repeated, 1 of them ours, because';
    expect(pageOf(first)).toContain(text);
    // The second's row stands in no table: the first has it.
    const second = reportOf([...beside, ['kafka', produce, { foreignCores: 9 }]], {
      thrownOut: [lost('kafka', produce)],
    });
    const both = resultsPage([
      { report: first, file: 'a.json' },
      { report: second, file: 'b.json' },
    ]);
    expect(both).toContain(text);
    expect(both).not.toContain('Kept though others');
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
    expect([1 / 16, 0.62, 2].map((ratio) => ratioText(ratio))).toEqual(['1/16', '0.62 ×', '2 ×']);
    // A goal of at most 1 × is not reached by "1 ×" only when that is said.
    expect([1.0004, 1, 1.2].map((ratio) => ratioText(ratio, 1))).toEqual([
      '1.0004 ×',
      '1 ×',
      '1.2 ×',
    ]);
    expect([1 / 15.96, 1 / 16].map((ratio) => ratioText(ratio, 1 / 16))).toEqual([
      '1/15.96',
      '1/16',
    ]);
    const goal = { row: '', figure: '', limit: 1, better: 'higher', against: 'kafka' } as const;
    expect(goalText({ ...goal, orShareOfDisk: 0.85 })).toBe('≥ 1 ×, or 85 % of the disk');
  });
});
