// The place in one log from which a start scans it after a crash: what lies before is synced and indexed. It moves as
// rolled segments are finished, and within the active one as that grows.

import { AssertionError, asError } from '../../base/errors.ts';
import type { SyncedPlace } from '../log-contents.ts';
import type { MarkSource } from '../metadata/marks.ts';
import type { Segment } from '../segment/segment.ts';
import { saveIndexes } from '../segment/segment-files.ts';
import type { LogCore } from './log-core.ts';
import { PointSnapshot } from './point-snapshot.ts';

/** Bytes written since the recovery point after which it moves: what a restart has to scan, about. */
const RECOVERY_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes durable in the journal alone after which a segment is synced: megabytes at once keep commits waiting. */
const UNSYNCED_BYTES_MAX = 256 * 1024;

/** How the log is synced (log-sync.ts). */
export interface PointSync {
  /** Everything before it is synced in the segment files. */
  readonly syncedPlace: SyncedPlace;
  /** Syncs every file with unsynced bytes. Rejects when the log fails in it. */
  syncDirty(): Promise<void>;
  /** Resolves once everything below `offset` is durable. */
  flushTo(offset: number): Promise<void>;
  /** Fails the log. */
  commitFailed(error: Error): void;
}

export class RecoveryPoint implements MarkSource {
  readonly #core: LogCore;
  readonly #sync: PointSync;
  readonly #snapshot: PointSnapshot;
  #place: SyncedPlace;
  #advancing: Promise<void> = Promise.resolve();
  #sealing: Promise<void> | null = null;

  constructor(core: LogCore, sync: PointSync, found: SyncedPlace | null) {
    this.#core = core;
    this.#sync = sync;
    this.#snapshot = new PointSnapshot(core);
    this.#place = found ?? sync.syncedPlace;
    this.#finishSoon();
  }

  /** Starts again from what a reopen has found; null: the end. */
  reset(found: SyncedPlace | null): void {
    this.#place = found ?? this.#sync.syncedPlace;
    this.#finishSoon();
  }

  /** A recovery left segments to be finished when there is time. */
  #finishSoon(): void {
    if (this.#nextToSeal() >= 0) this.#core.context.marks.touch(this, 0);
  }

  publishMark(): void {
    const [core, place] = [this.#core, this.#place];
    // The name may be another log's by now.
    if (core.deleted) return;
    const { active } = core;
    core.context.marks.replace(core.name, {
      mark: core.durableEnd,
      startOffset: core.startOffset,
      recoveryOffset: place.offset,
      recoveryPosition: place.offset === place.segment.baseOffset ? 0 : place.position,
      maxTimestamp: active.maxTimestamp,
      maxTimestampOffset: active.maxTimestampOffset,
      firstTimestamp: active.firstTimestamp,
      leaderEpoch: core.epochs.latest,
      epochsChecksum: core.epochs.checksumBelow(core.durableEnd),
      clean: false,
    });
  }

  advanceRecoveryPoint(): Promise<void> {
    const advancing = this.#advance();
    this.#advancing = advancing;
    return advancing;
  }

  /** Waits until nothing of it is under way that goes by the names of the log's files. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#advancing, this.#sealing]);
  }

  async #advance(): Promise<void> {
    const core = this.#core;
    if (this.#place.segment.removed) this.#place = this.#unfinishedPlace();
    const { segment, position } = this.#place;
    const active = core.active;
    if (core.state !== 'open' || segment !== active) return this.sealRolled();
    const due =
      active.written - position >= Math.max(RECOVERY_BYTES_MAX, this.#snapshot.worthBytes);
    if (!due || core.segments.at(-2)?.sealed === false) return this.#syncSome();
    const taken = this.#snapshot.take();
    try {
      await this.#sync.syncDirty();
      const place = this.#sync.syncedPlace;
      if (place.segment !== active) return;
      await saveIndexes(core.context.disk, active);
      if (taken !== null) await this.#snapshot.save(taken, place.offset);
      // The segment may be finished by now, and the point be behind it.
      if (this.#place.segment !== active) return;
      this.#place = place;
      this.publishMark();
    } catch (error) {
      if (core.deleted) return;
      if (error instanceof AssertionError) this.#sync.commitFailed(error);
      const { message } = asError(error);
      core.context.logger.warn({ log: core.name, error: message }, 'recovery point not moved');
    }
  }

  /** Where the oldest unfinished segment begins: what was before it is finished, or gone. */
  #unfinishedPlace(): SyncedPlace {
    const { segments, active } = this.#core;
    const segment = segments.find(({ sealed }) => !sealed) ?? active;
    return { offset: segment.baseOffset, segment, position: 0 };
  }

  async #syncSome(): Promise<void> {
    const { active, config } = this.#core;
    if (active.written - active.synced < UNSYNCED_BYTES_MAX || config.flushPolicy === 'os') return;
    await this.#sync.syncDirty().catch(() => {});
  }

  /** Finishes rolled segments once they are committed: files synced, indexes written, recovery point moved. */
  sealRolled(): void {
    const core = this.#core;
    if (this.#sealing !== null || this.#nextToSeal() < 0) return;
    const sealing = this.#sealAll();
    this.#sealing = sealing;
    core.context.tasks.start(`finishing a segment of ${core.name}`, () => sealing);
  }

  /** Has all that is rolled committed and finished: where nothing is appended, no commit comes that does. */
  async finishRolled(): Promise<void> {
    const core = this.#core;
    if (core.state !== 'open') return;
    try {
      await this.#sync.flushTo(core.active.baseOffset);
    } catch (error) {
      if (core.deleted) return;
      throw error;
    }
    this.sealRolled();
    // What goes wrong is logged where it was started, and tried again the next time.
    await this.#sealing?.catch(() => {});
  }

  async #sealAll(): Promise<void> {
    try {
      for (let index = this.#nextToSeal(); index >= 0; index = this.#nextToSeal()) {
        await this.#seal(index);
      }
    } catch (error) {
      if (error instanceof AssertionError) this.#sync.commitFailed(error);
      if (!this.#core.deleted) throw error;
    } finally {
      this.#sealing = null;
    }
  }

  /** The oldest unfinished segment that is rolled and committed; -1 when there is none. */
  #nextToSeal(): number {
    const { segments, durableEnd, state } = this.#core;
    if (state !== 'open') return -1;
    const index = segments.findIndex((segment) => !segment.sealed);
    const next = segments[index + 1];
    return next !== undefined && next.baseOffset <= durableEnd ? index : -1;
  }

  async #seal(index: number): Promise<void> {
    const core = this.#core;
    const segment = core.segments[index] as Segment;
    const next = core.segments[index + 1] as Segment;
    if (segment.dirty) await this.#sync.syncDirty();
    await saveIndexes(core.context.disk, segment);
    segment.seal();
    segment.dropIndexes();
    this.#place = { offset: next.baseOffset, segment: next, position: 0 };
    core.context.marks.touch(this, 0);
  }
}
