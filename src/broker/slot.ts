// A request at work, in its place among the answers of its connection.

import { MemoryLease } from '../base/memory-pool.ts';
import type { Chunk } from '../protocol/index.ts';
import type { FrameMemory } from './frame-memory.ts';
import type { Handler } from './handler.ts';

export interface Slot {
  readonly handler: Handler | undefined;
  readonly frameBytes: number;
  /** Set where the frame's memory is used again once its handler lets go of it. */
  readonly lease: MemoryLease | undefined;
  done: boolean;
  chunks: readonly Chunk[] | null;
}

/** The place of the request in `frame`. `frames`: where its memory goes, null for nowhere. */
export function openSlot(
  frame: Buffer,
  handler: Handler | undefined,
  frames: FrameMemory | null,
): Slot {
  const leased = frames !== null && handler?.leases === true;
  const lease = leased ? new MemoryLease(frames, frame) : undefined;
  return { handler, frameBytes: frame.byteLength, lease, done: false, chunks: null };
}
