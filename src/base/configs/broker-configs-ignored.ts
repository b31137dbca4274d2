// Kafka's broker configs that have no meaning in a single process: taken from files and
// environments written for Kafka, checked, shown, without effect. Names, types, ranges and defaults
// are Kafka 4.3's.

import type { BrokerConfigRow } from './broker-config-row.ts';

const THREADS = 'Kafka threads; one event loop does this work here.';
const REPLICAS = 'About copies on other brokers; there is one copy here.';
const QUORUM = 'About the controller quorum; here the broker is the controller too.';
const METRICS = "About Kafka's metrics library.";
const positive = { minimum: 1 };
const natural = { minimum: 0 };
const live = { dynamic: true };

export const ignoredBrokerConfigs: readonly BrokerConfigRow[] = [
  ['num.network.threads', 'int', '3', THREADS, { ...positive, ...live }],
  ['num.io.threads', 'int', '8', THREADS, { ...positive, ...live }],
  ['background.threads', 'int', '10', THREADS, { ...positive, ...live }],
  ['num.recovery.threads.per.data.dir', 'int', '2', THREADS, { ...positive, ...live }],
  ['num.replica.alter.log.dirs.threads', 'int', null, THREADS],
  ['group.coordinator.threads', 'int', '4', THREADS, positive],
  ['group.coordinator.background.threads', 'int', '2', THREADS, positive],
  ['group.coordinator.append.linger.ms', 'int', '-1', THREADS, { minimum: -1 }],
  ['num.replica.fetchers', 'int', '1', REPLICAS, { ...positive, ...live }],
  ['replica.fetch.backoff.ms', 'int', '1000', REPLICAS, natural],
  ['replica.fetch.max.bytes', 'int', '1048576', REPLICAS, natural],
  ['replica.fetch.min.bytes', 'int', '1', REPLICAS],
  ['replica.fetch.response.max.bytes', 'int', '10485760', REPLICAS, natural],
  ['replica.fetch.wait.max.ms', 'int', '500', REPLICAS],
  ['replica.high.watermark.checkpoint.interval.ms', 'long', '5000', REPLICAS],
  ['replica.lag.time.max.ms', 'long', '30000', REPLICAS],
  ['replica.selector.class', 'string', null, REPLICAS],
  ['replica.socket.receive.buffer.bytes', 'int', '65536', REPLICAS],
  ['replica.socket.timeout.ms', 'int', '30000', REPLICAS],
  ['leader.replication.throttled.rate', 'long', null, REPLICAS, { ...natural, ...live }],
  ['follower.replication.throttled.rate', 'long', null, REPLICAS, { ...natural, ...live }],
  ['auto.leader.rebalance.enable', 'boolean', 'true', REPLICAS],
  ['leader.imbalance.check.interval.seconds', 'long', '300', REPLICAS, positive],
  ['controlled.shutdown.enable', 'boolean', 'true', REPLICAS],
  ['inter.broker.listener.name', 'string', null, REPLICAS],
  ['security.inter.broker.protocol', 'string', 'PLAINTEXT', REPLICAS],
  ['controller.listener.names', 'list', null, QUORUM],
  ['controller.quorum.voters', 'list', '', QUORUM],
  ['controller.quorum.bootstrap.servers', 'list', '', QUORUM],
  ['controller.quorum.election.timeout.ms', 'int', '1000', QUORUM, natural],
  ['controller.quorum.election.backoff.max.ms', 'int', '1000', QUORUM, natural],
  ['controller.quorum.fetch.timeout.ms', 'int', '2000', QUORUM, natural],
  ['controller.quorum.request.timeout.ms', 'int', '2000', QUORUM, natural],
  ['controller.quorum.retry.backoff.ms', 'int', '20', QUORUM, natural],
  ['controller.quorum.append.linger.ms', 'int', '25', QUORUM, natural],
  ['controller.socket.timeout.ms', 'int', '30000', QUORUM],
  ['broker.heartbeat.interval.ms', 'int', '2000', QUORUM],
  ['broker.session.timeout.ms', 'int', '9000', QUORUM],
  ['initial.broker.registration.timeout.ms', 'int', '60000', QUORUM],
  ['metadata.log.dir', 'string', null, QUORUM],
  ['metadata.log.segment.bytes', 'int', '1073741824', QUORUM, { minimum: 8388608 }],
  ['metadata.log.segment.ms', 'long', '604800000', QUORUM],
  ['metadata.max.idle.interval.ms', 'int', '500', QUORUM, natural],
  ['metadata.max.retention.bytes', 'long', '104857600', QUORUM],
  ['metadata.max.retention.ms', 'long', '604800000', QUORUM],
  [
    'log.flush.offset.checkpoint.interval.ms',
    'int',
    '60000',
    'Checkpoints are made at commits.',
    natural,
  ],
  [
    'log.flush.start.offset.checkpoint.interval.ms',
    'int',
    '60000',
    'Checkpoints are made at commits.',
    natural,
  ],
  ['fetch.purgatory.purge.interval.requests', 'int', '1000', THREADS],
  ['producer.purgatory.purge.interval.requests', 'int', '1000', THREADS],
  ['delete.records.purgatory.purge.interval.requests', 'int', '1', THREADS],
  ['metric.reporters', 'list', '', METRICS, live],
  ['metrics.num.samples', 'int', '2', METRICS, positive],
  ['metrics.recording.level', 'string', 'INFO', METRICS],
  ['metrics.sample.window.ms', 'long', '30000', METRICS, positive],
  ['remote.log.storage.system.enable', 'boolean', 'false', 'There is no remote storage.'],
];
