// What all logs of one store share.

import type { Clock, Logger, Random } from '../base/ports.ts';
import type { RecordWorker } from '../record/index.ts';
import type { CommitterPort } from './commit/committer.ts';
import type { PendingBytes } from './commit/pending-bytes.ts';
import type { TurnEnd } from './commit/turn-end.ts';
import type { IntegrityStats } from './contract.ts';
import type { Disk } from './disk/disk.ts';
import type { FilePool } from './disk/file-pool.ts';
import type { PacedRemoval } from './disk/paced-removal.ts';
import type { MarkTable } from './metadata/marks.ts';
import type { TailBudget } from './reading/tail.ts';
import type { LoadedIndexes } from './segment/loaded-indexes.ts';
import type { TaskOwner } from './tasks.ts';

/** What a store hands to each of its logs. */
export interface StoreContext {
  readonly disk: Disk;
  readonly pool: FilePool;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly committer: CommitterPort;
  readonly pending: PendingBytes;
  /** Null where the disk takes no writes within a turn of the event loop. */
  readonly turnEnd: TurnEnd | null;
  readonly marks: MarkTable;
  readonly tailBudget: TailBudget;
  readonly loadedIndexes: LoadedIndexes;
  /** Background work that close waits for. */
  readonly tasks: TaskOwner;
  readonly removal: PacedRemoval;
  /** Whether reads may answer with file regions. */
  readonly regions: () => boolean;
  readonly integrity: IntegrityStats;
  readonly recordWorker: RecordWorker;
}
