// The table of the suites of `npm run bench`, and which of them run when none is named.

import { otherKinds } from './load/systems.ts';
import type { Suite, SuiteOptions } from './suite.ts';

/** A new suite is one row: its name, when it runs unasked, and where its runner is. */
export const suites: Readonly<Record<string, Suite>> = {
  brokers: {
    about: 'start-up, memory, produce, consume and latency, ours alone or beside others',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/brokers.ts')).runBrokers,
  },
  groups: {
    about: 'a group of 500 members over 1,000 partitions settles, in both protocols',
    unasked: ['beside'],
    load: async () => (await import('./load/groups.ts')).runGroups,
  },
  restart: {
    about:
      'kill -9 and an orderly stop with 2 GB in 100 partitions: how long until it serves again',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/restart.ts')).runRestart,
  },
  slopes: {
    about: 'what a record costs ours as partitions, connections and stored data grow',
    unasked: ['beside', 'quick'],
    load: async () => (await import('./load/slopes.ts')).runSlopes,
  },
  others: {
    about: 'NATS JetStream and Redis Streams (--peers nats,redis) with their own clients',
    unasked: ['others', 'quick'],
    load: async () => (await import('./load/others.ts')).runOthers,
  },
  compaction: {
    about: 'a log of ten million keys is compacted beside a steady producer',
    unasked: ['beside'],
    load: async () => (await import('./load/compaction.ts')).runCompaction,
  },
  tools: {
    about: 'replay, export and import beside kcat, the console tools of Kafka and a bare socket',
    unasked: [],
    load: async () => (await import('./tools/run.ts')).runTools,
  },
  testing: {
    about: 'importing tidemark/testing, and starting a broker in the test process',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/testing-start.ts')).runTestingStart,
  },
  client: {
    about:
      'our client beside kafkajs, @platformatic/kafka, kcat and a bare socket, and the log in process',
    unasked: [],
    load: async () => (await import('./client/run.ts')).runClient,
  },
  micro: {
    about: 'micro-benchmarks',
    unasked: ['quick'],
    load: async () => (await import('./micro/run.ts')).runMicro,
  },
};

/** What runs when no suite is named. */
export function unaskedSuites({ quick, peers }: Pick<SuiteOptions, 'quick' | 'peers'>): string[] {
  const beside = peers.some((name) => !otherKinds.includes(name));
  const ways: Suite['unasked'][number][] = quick ? ['quick'] : [beside ? 'beside' : 'alone'];
  if (peers.some((name) => otherKinds.includes(name))) ways.push('others');
  return Object.entries(suites)
    .filter(([, { unasked }]) => ways.some((way) => unasked.includes(way)))
    .map(([name]) => name);
}
