// Offset replay: records of a range, filtered and changed, written again somewhere else. What `tidemark replay` calls.

export {
  type CompareBy,
  type Compared,
  type CompareOptions,
  type Comparison,
  compareTopics,
} from './compare.ts';
export { ReplayError } from './errors.ts';
export { compileFilter } from './filter.ts';
export { JobStore } from './jobs.ts';
export { KeyValueTopic } from './key-value-topic.ts';
export { type NewJob, newJob, userAtHost } from './new-job.ts';
export {
  offsetsIn,
  type PlanOptions,
  planStretches,
  type StretchTimes,
  stretchTimes,
} from './plan.ts';
export { recordDocument } from './record-json.ts';
export { ModuleRunner } from './record-module.ts';
export { type ReplayProgress, runReplay } from './run.ts';
export { isCopyOf, makeSelect, type Select } from './select.ts';
export type { Sink } from './sink.ts';
export { BatchSink, openBatchSink } from './sink-batches.ts';
export { openFileSink, requireNewFile, streamSink } from './sink-file.ts';
export { openHttpSink, requireHttpUrl } from './sink-http.ts';
export { openTopicSink } from './sink-topic.ts';
export { type Survey, type SurveyOptions, survey } from './survey.ts';
export { type TakeOverOptions, takeOver } from './take-over.ts';
export type {
  JobRecord,
  JobState,
  Pace,
  PlacedRecord,
  ReplayedRecord,
  ReplaySource,
  ReplayTarget,
  Stretch,
} from './types.ts';
