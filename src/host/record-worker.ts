// The worker thread that looks into batches. Its functions are called by name.

import {
  BatchHeader,
  type FoundRecord,
  findByTime,
  type LookOutcome,
  lookInside,
  prepareCodec,
  prepareCodecOf,
  type RecordLook,
  type TimeSearch,
} from '../record/index.ts';
import { useAccelerators } from './accelerators.ts';
import { bufferOf } from './record-pool.ts';

async function arrived(bytes: Uint8Array): Promise<Buffer> {
  useAccelerators();
  const batch = bufferOf(bytes);
  await prepareCodecOf(new BatchHeader(batch).codecId);
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
