// Broker configs. Names, types, ranges and what may change while running are Kafka 4.3's; so are
// the defaults, but where one broker on one disk makes Kafka's wrong (copies, partitions of
// internal topics), and for `group.initial.rebalance.delay.ms`: Kafka waits 3 s before a new
// group's first generation, which the first consumer of every fresh group pays before its first
// record. A member that comes too late costs one more round of joins, which those already there
// learn of by their next heartbeat. So 100 ms, enough for members started together, is the better
// bargain here. Configs that begin with `tidemark.` are ours.

import { type ConfigScalar, ConfigTable, configList, defineConfig } from '../config-def.ts';
import type { BrokerConfigRow, ConfigRules } from './broker-config-row.ts';
import { ignoredBrokerConfigs } from './broker-configs-ignored.ts';
import { groupConfigs, offsetConfigs, transactionConfigs } from './broker-coordinator-configs.ts';
import { logDefaults } from './broker-log-configs.ts';

/** Turns rows into definitions, with what all of them share. */
function definitionsOf(rows: readonly BrokerConfigRow[], shared: ConfigRules) {
  return rows.map(([name, type, value, doc, rules]) =>
    defineConfig({ dynamic: false, ...shared, ...rules, name, type, default: value, doc }),
  );
}

function hostCounts(value: ConfigScalar): string | null {
  const wrong = configList(String(value ?? '')).some((pair) => !/^\s*\S+\s*:\s*\d+$/.test(pair));
  return wrong ? 'host:count pairs with commas between, such as 10.0.0.1:5' : null;
}

const positive: ConfigRules = { minimum: 1 };
const natural: ConfigRules = { minimum: 0 };

const identity: readonly BrokerConfigRow[] = [
  [
    'node.id',
    'int',
    null,
    'Number of this broker in its cluster; kept from the first start on.',
    natural,
  ],
  ['broker.id', 'int', '-1', 'Older name of node.id.'],
  ['broker.rack', 'string', null, 'Rack that clients are told.'],
  [
    'process.roles',
    'list',
    'broker,controller',
    'What this process is: both, always.',
    { effect: 'ignored' },
  ],
  ['listeners', 'list', 'PLAINTEXT://localhost:9092', 'Addresses to listen on.'],
  [
    'advertised.listeners',
    'list',
    null,
    'Addresses told to clients; by default the one they used.',
  ],
  [
    'listener.security.protocol.map',
    'string',
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Protocol of each listener name.',
  ],
  [
    'log.dir',
    'list',
    'data',
    'The data directory. tidemark serve takes ./tidemark-data unless told.',
  ],
  ['log.dirs', 'list', null, 'The data directory; one only. Stronger than log.dir.'],
];

const topics: readonly BrokerConfigRow[] = [
  ['num.partitions', 'int', '1', 'Partitions of a topic made without saying how many.', positive],
  [
    'default.replication.factor',
    'int',
    '1',
    'Copies of a topic made without saying how many: one.',
    { effect: 'ignored' },
  ],
  ['auto.create.topics.enable', 'boolean', 'true', 'Whether asking for a missing topic makes it.'],
  ['delete.topic.enable', 'boolean', 'true', 'Whether topics may be deleted.'],
  [
    'max.request.partition.size.limit',
    'int',
    '2000',
    'Partitions in one DescribeTopicPartitions answer.',
    positive,
  ],
];

const network: readonly BrokerConfigRow[] = [
  [
    'socket.request.max.bytes',
    'int',
    '104857600',
    'Largest request; a larger one ends its connection.',
    positive,
  ],
  [
    'socket.send.buffer.bytes',
    'int',
    '102400',
    "Send buffer; the system's own size is used.",
    { effect: 'ignored' },
  ],
  [
    'socket.receive.buffer.bytes',
    'int',
    '102400',
    "Receive buffer; the system's own size is used.",
    { effect: 'ignored' },
  ],
  [
    'socket.listen.backlog.size',
    'int',
    '50',
    'Connections that may wait to be accepted.',
    { ...positive, effect: 'ignored' },
  ],
  [
    'connections.max.idle.ms',
    'long',
    '600000',
    'A connection without requests for so long is closed; -1: never.',
  ],
  ['max.connections', 'int', '2147483647', 'Connections at a time.', { ...natural, dynamic: true }],
  [
    'max.connections.per.ip',
    'int',
    '2147483647',
    'Connections at a time from one address.',
    { ...natural, dynamic: true },
  ],
  [
    'max.connections.per.ip.overrides',
    'string',
    '',
    'host:count pairs, stronger than max.connections.per.ip.',
    { dynamic: true, refuse: hostCounts },
  ],
  [
    'max.connection.creation.rate',
    'int',
    '2147483647',
    'New connections a second.',
    { ...natural, dynamic: true, effect: 'ignored' },
  ],
  [
    'queued.max.requests',
    'int',
    '500',
    'Requests accepted and not answered, before reading stops.',
    { ...positive, effect: 'ignored' },
  ],
  [
    'queued.max.request.bytes',
    'long',
    '-1',
    'Bytes of requests and answers in memory before reading stops; -1: 256 MiB.',
  ],
  [
    'request.timeout.ms',
    'int',
    '30000',
    'How long a request may wait for something inside the broker.',
    { effect: 'ignored' },
  ],
  ['fetch.max.bytes', 'int', '57671680', 'Most bytes in one fetch response.', { minimum: 1024 }],
  [
    'max.incremental.fetch.session.cache.slots',
    'int',
    '1000',
    'Fetch sessions kept (KIP-227).',
    natural,
  ],
];

const own: readonly BrokerConfigRow[] = [
  [
    'tidemark.min.free.bytes',
    'long',
    '67108864',
    'Bytes free on the disk below which clients may not write; 0 switches the check off.',
    { ...natural, dynamic: true },
  ],
  [
    'tidemark.max.producer.ids',
    'int',
    '250000',
    'Producers remembered, all partitions together; of more, those idle longest go sooner, not within 15 minutes.',
    { minimum: 1, dynamic: true },
  ],
  [
    'tidemark.events.enable',
    'boolean',
    'true',
    'Keeps a timeline of what becomes of groups, and why, in __tidemark_events.',
    { dynamic: true },
  ],
  [
    'tidemark.flush.policy',
    'string',
    'sync',
    'sync: acks=all waits for the disk. os: for the page cache, as in Kafka.',
    { values: ['sync', 'os'] },
  ],
  [
    'tidemark.zero.copy',
    'boolean',
    'true',
    'Whether stored records go to consumers by sendfile(2), where the machine can (see doctor).',
  ],
  [
    'tidemark.scrub.bytes.per.second',
    'long',
    '10485760',
    'Bytes of finished files read and checked in the background per second; 0 switches it off.',
    { ...natural, dynamic: true },
  ],
  [
    'tidemark.scrub.interval.ms',
    'long',
    '86400000',
    'Milliseconds from one check of all finished files to the next.',
    { ...positive, dynamic: true },
  ],
];

/** Every config that the broker takes. */
export const brokerConfigs = new ConfigTable('broker', [
  ...definitionsOf([...identity, ...topics, ...network, ...own], {}),
  ...definitionsOf([...groupConfigs, ...offsetConfigs, ...transactionConfigs], {}),
  ...definitionsOf(logDefaults, { dynamic: true }),
  ...definitionsOf(ignoredBrokerConfigs, { effect: 'ignored' }),
]);
