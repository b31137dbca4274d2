// Archives: topics as files, and back. What `tidemark archive` calls.

export type { ArchivedTopic, ArchiveHead, ArchiveStretch, PartitionTotals } from './documents.ts';
export { ArchiveError, type ArchiveErrorCode } from './errors.ts';
export {
  type ExportOptions,
  type ExportProgress,
  type ExportResult,
  exportTopics,
  planArchive,
} from './export.ts';
export { type ExportSink, newArchive, resumeArchive } from './export-sink.ts';
export {
  type ImportOptions,
  type ImportResult,
  importArchive,
  type OffsetsMode,
} from './import.ts';
export { ORIGIN_HEADER } from './import-lane.ts';
export { type ImportSource, openArchiveSource, openTextSource } from './import-source.ts';
export { FILLER_KEY } from './offset-keeper.ts';
export { newText, resumeText, type TextFormat } from './text-sink.ts';
export { type ArchiveReport, type VerifyOptions, verifyArchive } from './verify.ts';
