// What the limit is in rows that are not reached.

import { describe, expect, test } from 'vitest';
import { htmlOf } from '../../../bench/report/html.ts';
import type { Figures } from '../../../bench/suite.ts';
import { pageOf, produce, type Run, reportOf } from './report-of.ts';

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
    expect(html).toContain('limit: the processors, which broker and client share');
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
    const section = pageOf(reportOf(half));
    expect(section).toContain('broker 0.4, client 2.2 of 2 cores, event loop running 40 % of the');
  });

  test('so does RESULTS.md, a list for each row', () => {
    const section = pageOf(reportOf(runs, { profiles }));
    expect(section).toContain('- **produce 100 B**\n  - limit: the processors, which broker');
    expect(section).toContain('event loop running 60 % of the time, waiting for a core 20 %');
  });

  test('a latency is told by what it consists of', () => {
    const row = 'end to end, 10,000/s, linger 5';
    const delays = { loopDelayP99Ms: 3, loopOwnDelayP99Ms: 0.5, loopWaitingPercent: 8 };
    const section = pageOf(
      reportOf([
        ['disk', 'disk probe', { recordCommitP50Ms: 0.4, recordCommitP99Ms: 9 }],
        ['tidemark', row, { p50Ms: 4, p99Ms: 20, syncs: 9, ...delays }],
        ['kafka', row, { p99Ms: 10 }],
      ]),
    );
    expect(section).toContain(`- **${row}**\n  - busy: `);
    expect(section).toContain(
      'p50: 4 ms: 2.5 ms linger (about half of 5 ms), 0.4 ms a sync of the bare disk, ',
    );
    expect(section).toContain(
      "0.5 ms the loop's own delay at most (its p99), 0.6 ms or more not counted apart\n",
    );
    expect(section).toContain('p99: 16 ms more than p50: ');
    expect(section).toContain('sync p99 of 9 ms can be the most of it');
    expect(section).toContain('its delay p99 is 3 ms, 0.5 ms without that');
  });

  test('an event loop that had no time left is the limit, and else nothing on the processors is', () => {
    const with_ = (figures: Figures): string =>
      pageOf(
        reportOf([
          ['tidemark', 'produce 100 B', { recordsPerSecond: 2e6, ...figures }],
          ...runs.slice(1),
        ]),
      );
    expect(with_({ busyCores: 1.4, loopBusyPercent: 91, loopWaitingPercent: 5 })).toContain(
      'limit: the event loop\n',
    );
    expect(with_({ busyCores: 1.4, loopBusyPercent: 62, loopWaitingPercent: 30 })).toContain(
      'limit: the event loop and its waiting for a core\n',
    );
    expect(with_({ busyCores: 1.4, loopBusyPercent: 50, loopWaitingPercent: 10 })).toContain(
      'limit: no processor: client and broker wait for each other\n',
    );
  });

  test.each([
    [0.89, 'limit: no processor: client and broker wait for each other'],
    [1, "limit: the client's one thread: the client keeps 1 cores busy"],
    [1.07, "limit: the client's one thread: the client keeps 1.07 cores busy"],
    [
      1.6,
      'limit: the client keeps 1.6 cores busy; whether one of its threads is the limit was not counted',
    ],
  ])('a client that keeps %d cores busy is one thread only near one', (cores, limit) => {
    const row = 'consume 100 B';
    const figures = {
      seconds: 2,
      clientCpuSeconds: 2 * cores,
      busyCores: 1.7,
      loopBusyPercent: 10,
    };
    const page = pageOf(
      reportOf([
        ['tidemark', row, { recordsPerSecond: 2e6, loopWaitingPercent: 6, ...figures }],
        ['kafka', row, { recordsPerSecond: 3e6 }],
      ]),
    );
    expect(page.match(/^ {2}- limit: .*$/gm)).toEqual([`  - ${limit}`]);
  });

  test('what all entries have in common is said once, above them', () => {
    const costs = ['consume 1 KiB', 'consume 100 B'].flatMap((row): Run[] => [
      ['tidemark', row, { brokerCpuSecondsPerGb: 2 }],
      ['kafka', row, { brokerCpuSecondsPerGb: 2 }],
    ]);
    const page = pageOf(reportOf(costs));
    const meaning =
      '- cheaper: who did the same work for less processor time; where nobody did, whether it is possible was not counted.\n';
    expect(page.split(meaning)).toHaveLength(2);
    expect(page.match(/^ {2}- cheaper: nobody$/gm)).toHaveLength(2);
    expect(page).not.toContain('- p50: ');
    expect(htmlOf(reportOf(costs))).toContain(
      '<li>cheaper: who did the same work for less processor time;',
    );
  });

  test('a loop that mostly waits for a core is told so, and a disk only where it was read or synced', () => {
    const row: Run = ['kafka', 'produce 1 KiB', { mbPerSecond: 3e3 }];
    const of = (more: Figures): string =>
      pageOf(
        reportOf([
          [
            'tidemark-os',
            'produce 1 KiB',
            { mbPerSecond: 1_000, seconds: 1, busyCores: 1.5, ...more },
          ],
          row,
        ]),
      );
    const waiting = of({ loopBusyPercent: 48, loopWaitingPercent: 34.6, syncs: 0 });
    expect(waiting).toContain(
      'limit: waiting for a core: the event loop could have run for 34.6 %',
    );
    expect(waiting).not.toContain('no processor');
    const idle = { loopBusyPercent: 48, loopWaitingPercent: 3, syncs: 0 };
    expect(of({ ...idle, brokerReadMb: 0.004 })).toContain('wait for each other');
    expect(of({ ...idle, brokerReadMb: 12 })).toContain('wait for the disk or for each other');
    expect(of({ ...idle, syncs: 5 })).toContain('wait for the disk or for each other');
  });

  test('a missed p99.9 is told beside p99, and only where it is the goal', () => {
    const row = 'end to end, 10,000/s, linger 5';
    const of = (theirs: Figures): string =>
      pageOf(
        reportOf([
          ['tidemark', row, { p50Ms: 4, p99Ms: 7, p999Ms: 9, maxMs: 12 }],
          ['kafka', row, theirs],
        ]),
      );
    const far = 'p99.9: 2 ms more than p99, the longest of a run took 12 ms\n';
    expect(of({ p999Ms: 10 })).toContain(far);
    expect(of({ p99Ms: 6 })).not.toContain('p99.9: ');
  });

  test('a cost that nobody beats is not told to have a limit, and is held against no system of ours', () => {
    const row = 'consume 1 KiB';
    const runs: Run[] = [
      ['tidemark', row, { brokerCpuSecondsPerGb: 2 }],
      ['tidemark-x', row, { brokerCpuSecondsPerGb: 1 }],
      ['kafka', row, { brokerCpuSecondsPerGb: 2.1 }],
    ];
    const nobody = '  - cheaper: nobody\n';
    expect(pageOf(reportOf(runs))).toContain(nobody);
    // A peer may be called so, where the result says which systems are ours.
    const peers = { 'tidemark-x': 'x --at {port}' };
    expect(pageOf(reportOf(runs, { ours: ['tidemark'], peers }))).toContain(
      'cheaper: tidemark-x, 1 instead of 2 (broker CPU, s per GB)',
    );
  });

  test('a client is told by its profile where there is one', () => {
    const system = 'tidemark on kafka';
    const clients: Run[] = [
      [system, 'consume, 100 B', { recordsPerSecond: 3, cpuSecondsPerMillion: 3 }],
      ['kafkajs on kafka', 'consume, 100 B', { recordsPerSecond: 3, cpuSecondsPerMillion: 3 }],
      ['raw socket on kafka', 'consume, 100 B', { recordsPerSecond: 6, cpuSecondsPerMillion: 2 }],
    ];
    const functions = [{ name: 'writeBuffer', place: 'V8', share: 0.5 }];
    const row = 'consume, 100 B';
    const page = pageOf(reportOf(clients, { profiles: [{ row, system, functions, calls: [] }] }));
    expect(page).toContain(
      'bare socket: records/s: raw socket on kafka 6, the client 0.5 times that',
    );
    expect(page.match(/system calls and hand-overs to threads 50 %/g)).toHaveLength(1);
    expect(page).not.toContain('not profiled');
    expect(pageOf(reportOf(clients))).toContain('event loop: not profiled\n');
  });

  test('a cost is split by the profile, and told beside the least of the others', () => {
    const row = 'consume 1 KiB';
    const figures = {
      brokerCpuSecondsPerGb: 2,
      brokerCpuSeconds: 1,
      seconds: 2,
      loopBusyPercent: 40,
    };
    const hot = (name: string, place: string, share: number) => ({ name, place, share });
    const functions = [
      hot('sendFile', 'src/host/native-io.ts:2', 0.3),
      hot('writeBuffer', 'V8', 0.2),
      hot('(anonymous)', 'src/host/accelerators.ts:43', 0.1),
      hot('(garbage collector)', 'V8', 0.05),
      hot('fetch', 'src/broker/fetch.ts:1', 0.02),
    ];
    const call = (name: string, share: number) => ({ name, share, calls: 1, errors: 0 });
    const calls = [call('futex', 0.9), call('sendfile', 0.06), call('epoll_pwait', 0.01)];
    const costs: Run[] = [
      ['tidemark', row, figures],
      ['kafka', row, { brokerCpuSecondsPerGb: 1 }],
      ['kafka-sync', row, { brokerCpuSecondsPerGb: 3 }],
    ];
    const section = pageOf(reportOf(costs, { profiles: [{ row, functions, calls }] }));
    for (const text of [
      "event loop: 80 % of the broker's processor time; system calls",
      'system calls and hand-overs to threads 50 % (sendFile 30 %, writeBuffer 20 %), checksums 10 %, garbage collection 5 %',
      'the rest 35 %',
      'system calls: sendfile 6 %, futex and epoll_pwait 91 %',
      'cheaper: Apache Kafka 4.3.1, 1 instead of 2',
    ]) {
      expect(section).toContain(text);
    }
    const without = pageOf(reportOf(costs));
    expect(without).toContain("event loop: 80 % of the broker's processor time; not profiled");
  });

  test("a start's modules are told apart, and a client is told beside the bare socket", () => {
    const place = 'node:internal/modules/esm/utils:344';
    const functions = [{ name: 'compileSourceTextModule', place, share: 0.4 }];
    const profiles = [{ row: 'start-up', functions, calls: [] }];
    const start = { readyMs: 380, firstRecordMs: 400, startCpuSeconds: 0.1 };
    const starts: Run[] = [
      ['tidemark', 'start-up', start],
      ['kafka', 'start-up', start],
    ];
    expect(pageOf(reportOf(starts, { profiles }))).toContain(
      'event loop: loading and compiling modules 40 %, the rest 60 %',
    );
    const clients: Run[] = [
      ['tidemark on kafka', 'consume', { cpuSecondsPerMillion: 3 }],
      ['kafkajs on kafka', 'consume', { cpuSecondsPerMillion: 3 }],
      ['raw socket on kafka', 'consume', { cpuSecondsPerMillion: 2 }],
    ];
    expect(pageOf(reportOf(clients))).toContain('raw socket on kafka 2, the client 1.5 times that');
  });

  test('each kind of goal has a limit, from what was counted', () => {
    const of = (row: string, figures: Figures, theirs: Figures = {}): string =>
      pageOf(
        reportOf([
          ['tidemark', row, figures],
          ['kafka', row, theirs],
        ]),
      );
    const start = { readyMs: 380, firstRecordMs: 400, startCpuSeconds: 0.39 };
    expect(of('start-up', start, { firstRecordMs: 400 })).toContain(
      'start: 380 ms until ready, 400 ms until the first record, 0.39 s of processor time until then: its own',
    );
    const restarted = { killReadyMs: 300, killCpuMs: 100, killWritableMs: 400 };
    expect(of('restart', restarted, { killWritableMs: 400 })).toContain(
      'restart: after kill -9 300 ms until ready, 100 ms of processor time\n',
    );
    expect(of('memory after these runs', { residentMb: 9 }, { residentMb: 9 })).toContain(
      'memory: 9 MB\n',
    );
    const delays = { loopDelayP99Ms: 30, loopOwnDelayP99Ms: 2 };
    expect(of(produce, delays)).toContain(
      'loop delay: p99 30 ms with waiting for a core, 2 ms without: waiting',
    );
    expect(of(produce, { ...delays, loopOwnDelayP99Ms: 11 })).toContain("pieces of the loop's own");
    expect(of(produce, { loopDelayP99Ms: 30 })).toContain(
      'limit: not counted of event-loop delay p99, ms\n',
    );
  });

  test('a row has all limits of its goals once', () => {
    const both: Run[] = [
      [
        'tidemark',
        produce,
        { mbPerSecond: 1, loopDelayP99Ms: 30, loopOwnDelayP99Ms: 2, ...busy, ...loop },
      ],
      ['kafka', produce, { mbPerSecond: 2 }],
      ['klite', produce, { mbPerSecond: 2 }],
    ];
    const section = pageOf(reportOf(both));
    expect(section.match(/limit: the processors/g)).toHaveLength(1);
    expect(section.match(/waiting for a core is the limit/g)).toHaveLength(1);
    expect(section.match(/^- \*\*produce 1 KiB\*\*$/gm)).toHaveLength(1);
  });

  test('a profile is of the setting that the goal is about', () => {
    const os: Run[] = [
      ['tidemark-os', produce, { mbPerSecond: 1 }],
      ['kafka', produce, { mbPerSecond: 1 }],
    ];
    const functions = [{ name: 'readBuffer', place: 'V8', share: 1 }];
    const of = (system: string): string =>
      htmlOf(reportOf(os, { profiles: [{ row: produce, system, functions, calls: [] }] }));
    expect(of('tidemark')).toContain('There is no profile of this row.');
    expect(of('tidemark-os')).toContain(
      '<h4>Profile of Tidemark, --flush os in “produce 1 KiB”</h4>',
    );
  });
});
