// The door of src/record: record batch v2 and nothing else. Pure; see header.ts for the byte
// layout.

export {
  BatchBuilder,
  type BatchOptions,
  buildBatch,
  type EmptyBatchOptions,
  emptyBatch,
  type NewRecord,
  type RecordHeader,
} from './builder.ts';
export {
  type Codec,
  type CompressOptions,
  codecIdOf,
  codecNames,
  codecOf,
  compress,
  decompress,
  EXPANDED_BYTES_MAX_DEFAULT,
  isCodecReady,
  prepareCodec,
  prepareCodecOf,
} from './codec/codec.ts';
export {
  buildEndTransactionBatch,
  type ControlRecordType,
  decodeControlKey,
  decodeEndTransactionMarker,
  type EndTransaction,
  encodeControlKey,
  encodeEndTransactionMarker,
} from './control.ts';
export {
  addSequence,
  BATCH_HEADER_BYTES,
  BatchAttribute,
  type BatchBytes,
  BatchField,
  BatchHeader,
  CRC_COVERS_FROM,
  computeBatchCrc,
  headOf,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  type ProducerState,
  rewriteBatchCrc,
  setAttributes,
  setMaxTimestamp,
  setMaxTimestampAndLogAppendTime,
  setProducerState,
  type TimestampType,
} from './header.ts';
export {
  batchBytes,
  expandRecords,
  iterateBatches,
  iterateRecords,
  type ReadOptions,
  readRecords,
  type StoredRecord,
} from './iterator.ts';
export { largestTimestamp } from './largest-timestamp.ts';
export {
  type FoundRecord,
  findByTime,
  inPlaceRecordWorker,
  LOOK_NOW_BYTES_MAX,
  type LookOutcome,
  lookInside,
  type RecordLook,
  type RecordWorker,
  type TimeSearch,
  throwRefusal,
} from './look-inside.ts';
export { RecordError, type RecordErrorCode, type RecordErrorPlace } from './record-error.ts';
export { Retained, type RetainedRecords, replaceRecords } from './replace-records.ts';
export {
  type RecordFields,
  RecordScanner,
  type RecordsContext,
  readRecordAt,
  recordsContext,
} from './scanner.ts';
export {
  InvalidRecordsError,
  ProduceFormatError,
  type ProduceRules,
  type RecordRefusal,
  type RecordRules,
  validateBatch,
  verifyBatch,
} from './validate.ts';
