// Handlers for records: one after the other, or side by side with order kept per key.

import { type KindsOf, wrongOption } from '../../base/option-kinds.ts';
import { ClientError } from '../errors.ts';
import { nameOf } from '../fetch-reading.ts';
import type { Fetcher } from '../fetcher.ts';
import { isIndex } from '../option-kinds.ts';
import { KeyedPool } from './keyed-pool.ts';
import type { ConsumedRecord } from './options.ts';
import type { Progress } from './progress.ts';
import type { RecordSource } from './source.ts';
import type { Stuck } from './stuck.ts';

/** Records that may wait for their lanes, for each handler that may run. */
const QUEUED_PER_HANDLER = 16;

/** What a handler returns is waited for when it is a promise. */
export type RecordHandler<K, V> = (record: ConsumedRecord<K, V>) => unknown;

export interface RunOptions {
  /** Handlers that may be at work at once. Default 1. */
  readonly concurrency?: number;
}

const kinds: KindsOf<RunOptions> = {
  concurrency: {
    wanted: 'a whole number from 1 on',
    fits: (value) => isIndex(value) && value >= 1,
  },
};

/** Throws ClientError `invalid_option`: for callers without types. */
export function checkRun(handler: unknown, options: RunOptions): RunOptions {
  if (typeof handler !== 'function') {
    throw new ClientError('invalid_option', 'run needs a function: run((record) => …)');
  }
  const wrong = wrongOption('run', options, kinds);
  if (wrong !== null) throw new ClientError('invalid_option', wrong);
  return options;
}

/** Until there are no more records, or a handler throws: then rejects with that. */
export async function runOneByOne<K, V>(
  handler: RecordHandler<K, V>,
  source: RecordSource<K, V>,
  stuck: Stuck,
): Promise<void> {
  for (;;) {
    stuck.moved();
    const record = source.pull() ?? (await source.next());
    if (record === null) return;
    const { progress } = source;
    const done = handler(record);
    if (isThenable(done)) await done;
    progress?.end(record.offset);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/**
 * As {@link runOneByOne}; after a handler threw, or there was no next record to be had, those at work are finished
 * first, and no other begins.
 */
export async function runSideBySide<K, V>(
  handler: RecordHandler<K, V>,
  concurrency: number,
  { source, stuck, fetcher }: { source: RecordSource<K, V>; stuck: Stuck; fetcher: Fetcher },
): Promise<void> {
  const pool = new KeyedPool(concurrency, concurrency * QUEUED_PER_HANDLER);
  const failed = new AbortController();
  const errors: unknown[] = [];
  const fail = (error: unknown): void => {
    errors.push(error);
    failed.abort();
    fetcher.wake();
  };
  const handle = async (record: ConsumedRecord<K, V>, progress: Progress | null): Promise<void> => {
    // A partition that was lost, or moved by a seek, while the record waited for its lane.
    if (failed.signal.aborted || progress?.isOver === true) return;
    const work = stuck.begin();
    try {
      await handler(record);
      progress?.end(record.offset);
    } catch (error) {
      fail(error);
    }
    stuck.done(work);
  };
  try {
    for (;;) {
      stuck.wait();
      await pool.room();
      if (failed.signal.aborted) break;
      const record = source.pull() ?? (await source.next(failed.signal));
      if (record === null) break;
      const { progress } = source;
      pool.add(laneOf(record), () => handle(record, progress));
    }
  } catch (error) {
    fail(error);
  }
  stuck.wait();
  await pool.idle();
  if (errors.length > 0) throw errors[0];
}

/** Records of one lane stay in order. */
function laneOf(record: ConsumedRecord): string {
  const { key } = record.raw;
  return key === null ? nameOf(record) : `${nameOf(record)}/${key.toString('latin1')}`;
}
