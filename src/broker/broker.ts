// The broker: connections, router, handlers and coordinators over one engine. It knows nothing of
// sockets; the host hands it peers.

import type { CancelTimer, Clock, Logger, Random } from '../base/ports.ts';
import {
  Coordinator,
  defaultGroupConfig,
  type GroupConfig,
  Timeline,
} from '../coordinator/index.ts';
import type { Engine } from '../engine/index.ts';
import { Produce, type Transport } from '../protocol/index.ts';
import { AnswerRoom } from './answer-room.ts';
import { groupCommandLog, groupEventLog, topicView } from './command-log.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { ConnectionSet } from './connection-set.ts';
import { engineMetrics } from './engine-metrics.ts';
import { Deadlines } from './fetch/deadlines.ts';
import { FetchSessionCache } from './fetch/session-cache.ts';
import { FrameMemory } from './frame-memory.ts';
import { allHandlers } from './handlers/index.ts';
import { InProcessTransport } from './in-process-transport.ts';
import type { RequestInterceptor } from './interceptor.ts';
import { MemoryGate } from './memory-gate.ts';
import {
  BrokerMetrics,
  brokerMetrics,
  counter,
  gauge,
  type Metric,
  metricsText,
} from './metrics.ts';
import { Router } from './router.ts';
import { type Endpoint, numberConfig, type Services } from './services.ts';
import type { PeerHandler, PeerSocket } from './socket.ts';

/**
 * Memory of requests and answers in flight over all connections, unless `queued.max.request.bytes`
 * says else.
 */
const MEMORY_BYTES_DEFAULT = 256 * 1024 * 1024;
/** Appended bytes not yet durable, beyond which no further produce request starts. */
const PENDING_BYTES_MAX = 128 * 1024 * 1024;
/** Partitions that all fetch sessions may follow: some hundred megabytes. */
const SESSION_PARTITIONS_MAX = 1_000_000;
/** How often those who wait for appended bytes to be durable are looked at. */
const PENDING_CHECK_MS = 2;

export interface BrokerSettings {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly acceptReplicationFactor: boolean;
  /** As DescribeLogDirs names it. */
  readonly logDir: string;
  /** Bytes that may still be written there, or -1. */
  freeBytes(): Promise<number>;
  /** Metrics of other layers, added to the broker's own. */
  extraMetrics?(): readonly Metric[];
  /** Sees each request before its handler. */
  readonly intercept?: RequestInterceptor;
}

/** Group settings as the engine's broker configs have them, read at each use. */
function groupConfig(engine: Engine): GroupConfig {
  const value = (name: string, fallback: number): number => {
    const configured = engine.brokerConfig(name);
    return typeof configured === 'number' ? configured : fallback;
  };
  const text = (name: string, fallback: string): string => {
    const configured = engine.brokerConfig(name);
    return typeof configured === 'string' ? configured : fallback;
  };
  const base = defaultGroupConfig;
  return {
    get groupMinSessionTimeoutMs() {
      return value('group.min.session.timeout.ms', base.groupMinSessionTimeoutMs);
    },
    get groupMaxSessionTimeoutMs() {
      return value('group.max.session.timeout.ms', base.groupMaxSessionTimeoutMs);
    },
    get groupInitialRebalanceDelayMs() {
      return value('group.initial.rebalance.delay.ms', base.groupInitialRebalanceDelayMs);
    },
    get groupMaxSize() {
      return value('group.max.size', base.groupMaxSize);
    },
    get offsetMetadataMaxBytes() {
      return value('offset.metadata.max.bytes', base.offsetMetadataMaxBytes);
    },
    get offsetsRetentionMinutes() {
      return value('offsets.retention.minutes', base.offsetsRetentionMinutes);
    },
    get offsetsRetentionCheckIntervalMs() {
      return value('offsets.retention.check.interval.ms', base.offsetsRetentionCheckIntervalMs);
    },
    get groupConsumerSessionTimeoutMs() {
      return value('group.consumer.session.timeout.ms', base.groupConsumerSessionTimeoutMs);
    },
    get groupConsumerHeartbeatIntervalMs() {
      return value('group.consumer.heartbeat.interval.ms', base.groupConsumerHeartbeatIntervalMs);
    },
    get groupConsumerAssignmentIntervalMs() {
      return value('group.consumer.assignment.interval.ms', base.groupConsumerAssignmentIntervalMs);
    },
    get groupConsumerMaxSize() {
      return value('group.consumer.max.size', base.groupConsumerMaxSize);
    },
    get groupConsumerAssignors() {
      const { groupConsumerAssignors: known } = base;
      const names = text('group.consumer.assignors', known.join(',')).split(',');
      return names.map((name) => name.trim()).filter((name) => known.includes(name));
    },
    get groupConsumerMigrationPolicy() {
      return text('group.consumer.migration.policy', base.groupConsumerMigrationPolicy);
    },
    get messageMaxBytes() {
      return value('message.max.bytes', base.messageMaxBytes);
    },
    ofGroup(groupId) {
      const own = (name: string): number | undefined =>
        engine.groupConfig(groupId, `consumer.${name}`) ?? undefined;
      const sessionTimeoutMs = own('session.timeout.ms');
      const heartbeatIntervalMs = own('heartbeat.interval.ms');
      const assignmentIntervalMs = own('assignment.interval.ms');
      return {
        ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
        ...(heartbeatIntervalMs !== undefined && { heartbeatIntervalMs }),
        ...(assignmentIntervalMs !== undefined && { assignmentIntervalMs }),
      };
    },
  };
}

export class Broker {
  readonly metrics = new BrokerMetrics();
  readonly #settings: BrokerSettings;
  readonly #coordinator: Coordinator;
  readonly #timeline: Timeline;
  readonly #connections: ConnectionSet;
  readonly #router: Router;
  readonly #fetchSessions: FetchSessionCache;
  readonly #fetchDeadlines: Deadlines;
  readonly #gate: MemoryGate;
  readonly #transports = new Set<InProcessTransport>();
  readonly #waitingToProduce = new Set<() => void>();
  #cancelPendingCheck: CancelTimer | undefined;
  readonly #stopWatchingTopics: () => void;
  /** Where callers in this process would connect to, for those that ask for addresses. */
  #listenEndpoint: Endpoint = { host: 'localhost', port: 9092 };
  #nextTransportId = -1;
  #closing: Promise<void> | undefined;

  constructor(settings: BrokerSettings) {
    const { engine, clock, random, logger } = settings;
    this.#settings = settings;
    const queued = numberConfig(engine, 'queued.max.request.bytes');
    this.#gate = new MemoryGate(queued > 0 ? queued : MEMORY_BYTES_DEFAULT);
    const topics = topicView(engine);
    this.#timeline = new Timeline({
      log: groupEventLog(engine),
      topics,
      clock,
      logger,
      enabled: () => engine.brokerConfig('tidemark.events.enable') !== false,
    });
    this.#coordinator = new Coordinator({
      log: groupCommandLog(engine),
      observer: this.#timeline,
      topics,
      clock,
      random,
      logger,
      config: groupConfig(engine),
    });
    this.#fetchDeadlines = new Deadlines(clock);
    this.#fetchSessions = new FetchSessionCache({
      clock,
      random,
      slots: numberConfig(engine, 'max.incremental.fetch.session.cache.slots'),
      partitionsMax: SESSION_PARTITIONS_MAX,
    });
    this.#router = new Router(this.metrics, logger, settings.intercept);
    this.#router.register(allHandlers(this.#services(), () => this.#router.announced()));
    this.#connections = new ConnectionSet({
      router: this.#router,
      metrics: this.metrics,
      gate: this.#gate,
      frames: new FrameMemory(Produce.key),
      answerRoom: new AnswerRoom(),
      clock,
      logger,
      requestBytesMax: numberConfig(engine, 'socket.request.max.bytes'),
      idleMs: numberConfig(engine, 'connections.max.idle.ms'),
      limits: new ConnectionLimits((name) => engine.brokerConfig(name)),
      mayProduce: (resume) => this.#mayProduce(resume),
    });
    this.#stopWatchingTopics = engine.onTopicsChanged((names) => this.#topicsChanged(names));
  }

  /**
   * Loads the groups. Requests may come before this resolves; groups then answer that they are
   * loading.
   */
  start(): Promise<void> {
    this.#timeline.broker('broker-started', 'the broker started');
    return this.#coordinator.start();
  }

  /** Says where the broker is reached, for callers without a connection. */
  setListenEndpoint(endpoint: Endpoint): void {
    this.#listenEndpoint = endpoint;
  }

  /**
   * Takes over a peer that has connected. It is told `advertised` instead of the address that it connected to; with
   * port 0, instead of the host.
   */
  accept(socket: PeerSocket, advertised: Endpoint | null = null): PeerHandler {
    return this.#connections.accept(socket, advertised);
  }

  /** A way to this broker from within the process. */
  transport(): Transport {
    const transport = new InProcessTransport({
      id: this.#nextTransportId--,
      router: this.#router,
      clock: this.#settings.clock,
      onClosed: () => this.#transports.delete(transport),
    });
    this.#transports.add(transport);
    return transport;
  }

  /** All metrics in Prometheus's text format. */
  metricsText(): string {
    const { engine } = this.#settings;
    const { stats } = this.#fetchSessions;
    const { written, lost, summed } = this.#timeline.counts;
    return metricsText([
      ...brokerMetrics(this.metrics),
      ...engineMetrics(engine),
      gauge('tidemark_inflight_bytes', 'Requests and answers in memory.', this.#gate.usedBytes),
      gauge('tidemark_fetch_sessions', 'Open fetch sessions.', this.#fetchSessions.size),
      counter('tidemark_fetch_sessions_created_total', 'Fetch sessions opened.', stats.created),
      counter(
        'tidemark_fetch_sessions_evicted_total',
        'Fetch sessions closed for others.',
        stats.evicted,
      ),
      counter('tidemark_events_written_total', "Entries of the groups' timeline.", written),
      counter('tidemark_events_lost_total', 'Entries of it that could not be written.', lost),
      counter(
        'tidemark_events_summed_total',
        'Entries of flapping groups that were summed up.',
        summed,
      ),
      ...(this.#settings.extraMetrics?.() ?? []),
    ]);
  }

  /**
   * Lets what is in flight finish, for at most `graceMs`, and closes every connection. The host
   * stops accepting before; the engine is closed after, by who opened it.
   */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    // Members that wait for a rebalance are told to look for another coordinator, so nothing waits
    // for them.
    this.#coordinator.close();
    await this.#connections.close(graceMs);
    this.#timeline.broker('broker-stopped', 'the broker was stopped');
    await this.#timeline.close();
    for (const transport of this.#transports) await transport.close();
    this.#stopWatchingTopics();
    this.#cancelPendingCheck?.();
    this.#fetchSessions.clear();
    this.#fetchDeadlines.close();
  }

  #services(): Services {
    const { engine, clock, logger, logDir, acceptReplicationFactor } = this.#settings;
    return {
      engine,
      coordinator: this.#coordinator,
      clock,
      logger,
      metrics: this.metrics,
      gate: this.#gate,
      fetchSessions: this.#fetchSessions,
      fetchDeadlines: this.#fetchDeadlines,
      logDir,
      acceptReplicationFactor,
      endpoint: (session) => session.endpoint ?? this.#listenEndpoint,
      freeBytes: () => this.#settings.freeBytes(),
    };
  }

  #topicsChanged(names: readonly string[]): void {
    const deleted: string[] = [];
    for (const name of names) {
      this.#fetchSessions.topicChanged(name);
      if (this.#settings.engine.topic(name) === undefined) deleted.push(name);
    }
    void this.#coordinator.onTopicsChanged();
    if (deleted.length > 0) void this.#coordinator.onTopicsDeleted(deleted);
  }

  #mayProduce(resume: () => void): boolean {
    if (this.#settings.engine.pendingBytes() < PENDING_BYTES_MAX) return true;
    this.#waitingToProduce.add(resume);
    this.#cancelPendingCheck ??= this.#checkPending();
    return false;
  }

  #checkPending(): CancelTimer {
    return this.#settings.clock.setTimer(PENDING_CHECK_MS, () => {
      this.#cancelPendingCheck = undefined;
      const waiting = [...this.#waitingToProduce];
      this.#waitingToProduce.clear();
      // Those that still may not start enter themselves again.
      for (const resume of waiting) resume();
    });
  }
}
