// One segment: its log, the index files beside it, and how they agree.

import {
  type Disk,
  DiskError,
  type DiskFile,
  readSmallFile,
  segmentName,
} from '../storage/index.ts';
import { type IndexContext, OffsetIndexCheck, TimeIndexCheck } from './check-indexes.ts';
import { type BatchObserver, checkLog, type LogReport } from './check-log.ts';
import { TransactionIndexCheck, type TransactionTracker } from './check-transactions.ts';
import { type Finding, finding } from './finding.ts';

export interface CheckSegmentOptions {
  readonly disk: Disk;
  /** Directory of the partition. */
  readonly directory: string;
  readonly baseOffset: number;
  /** Base offset of the next segment; for the last one where the log is known to end, or the largest safe integer. */
  readonly nextBase: number;
  /** `absent`: not looked at, as a running broker writes them. `partial`: may lack their end. */
  readonly indexes: 'absent' | 'partial' | 'complete';
  readonly intervalBytes: number;
  readonly deep: boolean;
  readonly transactions: TransactionTracker;
  /** Look on too. */
  readonly observers: readonly BatchObserver[];
  /** The log as a start would see it, with what the journal adds; default: as it is. */
  readonly view?: (file: DiskFile) => DiskFile;
  readonly onProgress: (bytes: number) => void;
}

/** What a segment holds. */
export interface SegmentReport extends LogReport {
  readonly path: string;
  readonly baseOffset: number;
  readonly size: number;
}

interface OpenCheck {
  finish(): Finding[];
}

/**
 * Checks one segment; findings of its indexes are in the report. Throws DiskError when the log cannot be read,
 * `not_found` also when it was taken away meanwhile.
 */
export async function checkSegment(options: CheckSegmentOptions): Promise<SegmentReport> {
  const { disk, directory, baseOffset, nextBase, deep, onProgress } = options;
  const stem = `${directory}/${segmentName(baseOffset)}`;
  const path = `${stem}.log`;
  const findings: Finding[] = [];
  const observers: BatchObserver[] = [...options.observers];
  const checks: OpenCheck[] = [];
  const add = (check: BatchObserver & OpenCheck): void => {
    observers.push(check);
    checks.push(check);
  };
  await openIndexChecks(options, stem, { add, note: (item) => findings.push(item) });
  const opened = await disk.open(path, 'read');
  try {
    const file = options.view?.(opened) ?? opened;
    const before = await opened.size();
    const size = await file.size();
    const common = { path, baseOffset, offsetLimit: nextBase, deep, observers, onProgress };
    const report = await checkLog({ ...common, file, size });
    // A broker cuts what it deletes, and what was read then tells nothing.
    if ((await opened.size()) < before || (await disk.stat(path)) === undefined) {
      throw new DiskError('not_found', path, `${path} was taken away while it was read`);
    }
    for (const check of checks) findings.push(...check.finish());
    return { ...report, path, baseOffset, size, findings: [...report.findings, ...findings] };
  } finally {
    await opened.close();
  }
}

async function openIndexChecks(
  options: CheckSegmentOptions,
  stem: string,
  to: { add: (check: BatchObserver & OpenCheck) => void; note: (item: Finding) => void },
): Promise<void> {
  const { disk, baseOffset, intervalBytes, indexes, transactions } = options;
  const sealed = indexes === 'complete';
  const context = (suffix: string): IndexContext => {
    return { path: stem + suffix, logPath: `${stem}.log`, baseOffset, sealed, intervalBytes };
  };
  const aborted = await readSmallFile(disk, `${stem}.txnindex`);
  to.add(
    new TransactionIndexCheck(aborted ?? Buffer.alloc(0), context('.txnindex'), {
      tracker: transactions,
      checked: indexes !== 'absent',
    }),
  );
  if (indexes === 'absent') return;
  for (const suffix of ['.index', '.timeindex'] as const) {
    const bytes = await readSmallFile(disk, stem + suffix);
    if (bytes !== null) {
      const check = suffix === '.index' ? OffsetIndexCheck : TimeIndexCheck;
      to.add(new check(bytes, context(suffix)));
    } else if (sealed) {
      const code = suffix === '.index' ? 'index_missing' : 'time_index_missing';
      const repair = { kind: 'rebuild-indexes', path: `${stem}.log` } as const;
      const what = 'the index file is missing or cannot be read';
      to.note(finding({ severity: 'damage', code, path: stem + suffix, what, repair }));
    }
  }
}

/** Whether a failure means that a file went away while we looked: a running broker deletes segments. */
export function isGone(error: unknown): boolean {
  return error instanceof DiskError && error.code === 'not_found';
}
