// The door of the coordinators: consumer groups and their offsets, as plain state machines over a log.
//
// - coordinator.ts: what the broker calls, one method per API
// - runtime.ts, step.ts, timers.ts: the loop decide → persist → apply → reply, for any state machine
// - machine.ts: the groups and offsets of one partition of `__consumer_offsets`
// - group/classic/: the classic group protocol; group/consumer/: the consumer group protocol (KIP-848);
//   group/either.ts: requests that groups of both may get; offsets/: commits; records.ts: their form in the log
// - timeline/: what became of groups and why, in words: decisions note facts, the explainer makes entries of them,
//   the timeline writes them to `__tidemark_events`
// - ports.ts: what is needed from outside

export { defaultGroupConfig, type GroupConfig } from './config.ts';
export { Coordinator } from './coordinator.ts';
export type { RequestContext } from './group/types.ts';
export { javaStringHash, partitionFor } from './partition-for.ts';
export type {
  CommandLog,
  CoordinatorOptions,
  EventLog,
  EventRecord,
  GroupObserver,
  LogEntry,
  LogRecord,
  TopicInfo,
  TopicView,
  TransactionalProducer,
} from './ports.ts';
export { decodeRecord, encodeRecord, type GroupRecord } from './records.ts';
export { Shard, type ShardOptions, type StateMachine } from './runtime.ts';
export { Step, type Ticket } from './step.ts';
export {
  EVENTS_TOPIC,
  type MovedPartitions,
  type PartitionRanges,
  type TimelineEntry,
} from './timeline/entry.ts';
export { Timeline, type TimelineCounts, type TimelineOptions } from './timeline/timeline.ts';
