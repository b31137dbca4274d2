// What is given to the journal, and who gave it.

/** The log that an entry belongs to, as the checkpoint sees it. */
export interface JournalOwner {
  /** Syncs the log's files. Rejects when that fails, which the log tells of itself, and when it is deleted. */
  syncDirty(): Promise<void>;
}

/** A stretch of one segment. */
export interface JournalEntry {
  readonly owner: JournalOwner;
  /** Of its log (log-identity.ts). */
  readonly key: string;
  readonly segmentBase: number;
  readonly position: number;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}
