// The door of src/inspect: offline reading of data directories, ours and Apache Kafka's.

export { recordsProblem } from './check-log.ts';
export type { PartitionReport, TopicFacts } from './check-partition.ts';
export { INTERVAL_BYTES_DEFAULT } from './check-partition.ts';
export {
  type DumpEntry,
  type DumpedBatch,
  type DumpedDamage,
  type DumpedRecord,
  type DumpOptions,
  dumpFile,
  UnknownFileError,
} from './dump.ts';
export type { CatalogueRecords } from './dump-own.ts';
export {
  type Finding,
  type FindingCode,
  isFault,
  type OffsetRange,
  offsetWords,
  type RepairStep,
  type Severity,
  severities,
} from './finding.ts';
export type { ProducerFacts } from './kafka-formats.ts';
export { describeStep, planRepair, type RepairOptions, runStep } from './repair.ts';
export {
  type CatalogueFacts,
  type Flavour,
  partitionOf,
  type VerifyOptions,
  type VerifyProgress,
  type VerifyReport,
  verifyDirectory,
} from './verify.ts';
