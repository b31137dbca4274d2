// Bytes on their way to a socket. Record batches travel by reference, never copied or decoded.

/**
 * A range of a file that can be sent without passing through JavaScript memory, or be loaded on demand.
 * Whoever holds one keeps the segment's file open until `release()`; releasing twice is harmless.
 */
export interface FileRegion {
  readonly byteLength: number;
  /** Descriptor and byte position for a zero-copy send; null without descriptors, and after the release. */
  readonly source: { readonly descriptor: number; readonly position: number } | null;
  /** Whether a part can be had without waiting for the disk; false where that is not known. */
  isCached(from: number, bytes: number): boolean;
  /**
   * Reads the range and keeps nothing of it, so that the system has it at hand. Throws `TidemarkError` when the disk
   * refuses.
   */
  warm(): Promise<void>;
  /**
   * Reads the whole range, or a part of it; fewer bytes only when the file ends. Throws `TidemarkError` when the disk
   * refuses.
   */
  load(from?: number, bytes?: number): Promise<Buffer>;
  release(): void;
}

/** Record bytes in a message: in memory, several buffers in a row, or still on disk. */
export type Payload = Buffer | readonly Buffer[] | FileRegion;

/** A piece of a frame on its way out. */
export type Chunk = Buffer | FileRegion;

/** Total length in bytes. */
export function payloadLength(payload: Payload): number {
  if (isBufferList(payload)) {
    let total = 0;
    for (const part of payload) total += part.byteLength;
    return total;
  }
  return payload.byteLength;
}

/** Whether the payload is a row of buffers. */
export function isBufferList(payload: Payload): payload is readonly Buffer[] {
  return Array.isArray(payload);
}

/** Whether the payload is still on disk. */
export function isFileRegion(payload: Payload): payload is FileRegion {
  return !Buffer.isBuffer(payload) && !Array.isArray(payload);
}
