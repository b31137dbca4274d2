// Does what findings propose. Nothing that was read as data is ever deleted: bad bytes and bad files are first copied
// or moved into the quarantine.

import type { Clock } from '../base/ports.ts';
import {
  type Disk,
  encodeTransactionIndex,
  LEADER_EPOCH_FILE,
  LeaderEpochs,
  loadDamage,
  QUARANTINE_DIRECTORY,
  replaceFile,
  Segment,
  saveDamage,
  setAside,
  writeTopicId,
} from '../storage/index.ts';
import { checkLog, type SeenBatch } from './check-log.ts';
import type { Finding, RepairStep } from './finding.ts';

/** The steps that findings ask for, each once, in the order in which they are done. */
export function planRepair(findings: readonly Finding[]): RepairStep[] {
  const steps: RepairStep[] = [];
  const rebuild = new Set<string>();
  const seen = new Set<string>();
  for (const { repair } of findings) {
    if (repair === null) continue;
    if (repair.kind === 'rebuild-indexes') rebuild.add(repair.path);
    else if (!seen.has(JSON.stringify(repair))) {
      seen.add(JSON.stringify(repair));
      steps.push(repair);
      // Entries may point into the damage.
      if (repair.kind === 'set-aside-range' && repair.bytes > 0) rebuild.add(repair.path);
    }
  }
  return [...steps, ...[...rebuild].map((path) => ({ kind: 'rebuild-indexes', path }) as const)];
}

/** In words, for people. */
export function describeStep(step: RepairStep): string {
  switch (step.kind) {
    case 'rebuild-indexes':
      return `make the indexes of ${step.path} anew`;
    case 'set-aside-range':
      return step.bytes === 0
        ? `note offsets of ${step.path} as lost, so that readers pass over them`
        : `copy ${step.bytes} bytes at ${step.position} of ${step.path} into ` +
            `${QUARANTINE_DIRECTORY}/ and have readers skip them`;
    case 'write-transaction-index':
      return `write ${step.path} anew with ${step.transactions.length} aborted transactions`;
    case 'write-epochs':
      return `write ${step.path} anew with ${step.entries.length} epochs`;
    case 'write-topic-id':
      return `write topic id ${step.topicId} into ${step.path}`;
    case 'set-aside-file':
      return `move ${step.path} into ${QUARANTINE_DIRECTORY}/`;
    case 'remove-file':
      return `delete ${step.path}`;
  }
}

export interface RepairOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** `index.interval.bytes` of the partition in a directory. */
  readonly intervalBytes: (directory: string) => number;
}

/**
 * Does one step, durably. The data directory must be locked by the caller, so that no broker starts on it.
 * Throws DiskError.
 */
export async function runStep(options: RepairOptions, step: RepairStep): Promise<void> {
  const { disk } = options;
  switch (step.kind) {
    case 'rebuild-indexes':
      return rebuildIndexes(options, step.path);
    case 'set-aside-range':
      return setRangeAside(options, step);
    case 'write-transaction-index':
      return replaceFile(disk, step.path, encodeTransactionIndex(step.transactions));
    case 'write-epochs':
      return writeEpochs(disk, step);
    case 'write-topic-id':
      return writeTopicId(disk, step.path, step.topicId);
    case 'set-aside-file':
      return setFileAside(options, step.path);
    case 'remove-file':
      await disk.remove(step.path);
      return disk.syncDirectory(directoryOf(step.path));
  }
}

function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash);
}

async function setRangeAside(
  { disk, clock }: RepairOptions,
  step: Extract<RepairStep, { kind: 'set-aside-range' }>,
): Promise<void> {
  const { path, segmentBaseOffset, position, bytes, offsets } = step;
  const log = directoryOf(path);
  if (bytes > 0) {
    const file = await disk.open(path, 'read');
    try {
      await setAside(disk, clock, file, {
        log,
        segmentBaseOffset,
        position,
        bytes,
        firstOffset: offsets?.first ?? -1,
        lastOffset: offsets?.last ?? null,
        why: 'found bad by verify',
      });
    } finally {
      await file.close();
    }
  }
  const ranges = await loadDamage(disk, log);
  // A stretch that holds no offsets ends before it begins, as recovery writes it.
  const firstOffset = offsets?.first ?? segmentBaseOffset;
  const lastOffset = offsets?.last ?? firstOffset - 1;
  const range = { firstOffset, lastOffset, segmentBaseOffset, position, bytes };
  const all = [...ranges, range].sort(
    (a, b) => a.firstOffset - b.firstOffset || a.position - b.position,
  );
  await saveDamage(disk, log, all);
}

async function setFileAside({ disk, clock }: RepairOptions, path: string): Promise<void> {
  const directory = `${QUARANTINE_DIRECTORY}/${directoryOf(path)}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  await disk.makeDirectory(directory);
  await disk.rename(path, `${directory}/${name}-${clock.now()}`);
  await disk.syncDirectory(directory);
  await disk.syncDirectory(QUARANTINE_DIRECTORY);
  await disk.syncDirectory('.');
  await disk.syncDirectory(directoryOf(path));
}

async function writeEpochs(
  disk: Disk,
  step: Extract<RepairStep, { kind: 'write-epochs' }>,
): Promise<void> {
  const directory = directoryOf(step.path);
  // Through the class that writes them otherwise, so that there is one form of the file.
  await new LeaderEpochs(step.entries).save(disk, directory);
  if (step.path !== `${directory}/${LEADER_EPOCH_FILE}`) throw new Error(`not ${step.path}`);
}

/** Writes `.index` and `.timeindex` of a log as its batches say. */
async function rebuildIndexes(options: RepairOptions, path: string): Promise<void> {
  const { disk } = options;
  const directory = directoryOf(path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const baseOffset = Number(name.slice(0, 20));
  const segment = new Segment(directory, baseOffset, 0);
  const interval = options.intervalBytes(directory);
  const builder = {
    batch({ position, baseOffset: first, lastOffset, bytes, maxTimestamp }: SeenBatch): void {
      // Damage between batches takes room too.
      segment.pass(position - segment.size);
      segment.track({ baseOffset: first, lastOffset, bytes, maxTimestamp }, interval);
    },
  };
  const file = await disk.open(path, 'read');
  try {
    const size = await file.size();
    const offsetLimit = Number.MAX_SAFE_INTEGER;
    const nothing = (): void => {};
    const common = { file, path, baseOffset, offsetLimit, size, deep: false };
    await checkLog({ ...common, observers: [builder], onProgress: nothing });
  } finally {
    await file.close();
  }
  segment.indexes.finish();
  const stem = path.slice(0, -'.log'.length);
  await replaceFile(disk, `${stem}.index`, segment.indexes.offsets.encode());
  await replaceFile(disk, `${stem}.timeindex`, segment.indexes.times.encode());
}
