// The worker thread that looks into batches. Its functions are called by name.

import {
  BatchHeader,
  codecOf,
  type FoundRecord,
  findByTime,
  type LookOutcome,
  lookInside,
  prepareCodec,
  type RecordLook,
  type TimeSearch,
} from '../record/index.ts';
import { useAccelerators } from './accelerators.ts';
import { bufferOf } from './record-pool.ts';

async function arrived(bytes: Uint8Array): Promise<Buffer> {
  useAccelerators();
  const batch = bufferOf(bytes);
  await prepareCodec(codecOf(new BatchHeader(batch).codecId) ?? 'none');
  return batch;
}

export async function look(task: RecordLook & { batch: Uint8Array }): Promise<LookOutcome | null> {
  const batch = await arrived(task.batch);
  await prepareCodec(task.rebuild?.codec ?? 'none');
  return lookInside({ ...task, batch });
}

export async function find(
  search: TimeSearch & { batch: Uint8Array },
): Promise<FoundRecord | null | undefined> {
  return findByTime({ ...search, batch: await arrived(search.batch) });
}
