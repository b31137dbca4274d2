// The five codecs of a record batch behind one synchronous door. Packages load on first use; every
// decoder has a cap on the expanded size that holds before, or while, memory is taken.

import { KafkaError } from '../../base/kafka-errors.ts';
import { RecordError } from '../record-error.ts';
import { gunzipCapped, gzip } from './gzip.ts';
import { lz4Compress, lz4Decompress } from './lz4.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';
import { prepareZstd, zstdCompress, zstdDecompress, zstdReady } from './zstd.ts';

/** Codecs in the order of their numbers in a batch's attributes. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof codecNames)[number];

/**
 * Expanded size that {@link decompress} allows when not told: 128 MiB, over a hundred default
 * batches.
 */
export const EXPANDED_BYTES_MAX_DEFAULT = 128 * 1024 * 1024;

/** The codec with that number in a batch's attributes; null for the unused numbers 5 to 7. */
export function codecOf(codecId: number): Codec | null {
  return codecNames[codecId] ?? null;
}

/** The number of a codec in a batch's attributes. */
export function codecIdOf(codec: Codec): number {
  return codecNames.indexOf(codec);
}

/**
 * Loads what a codec needs ahead of its first use. Only zstd on a Node without it (before 22.15)
 * must be prepared, since WebAssembly starts asynchronously; for every other codec this resolves at
 * once.
 * Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE` when the package is not installed.
 */
export async function prepareCodec(codec: Codec): Promise<void> {
  if (codec === 'zstd') await prepareZstd();
}

/** As {@link prepareCodec}, for the number that a batch's attributes have; one that no codec has needs nothing. */
export async function prepareCodecOf(codecId: number): Promise<void> {
  const codec = codecOf(codecId);
  if (codec !== null) await prepareCodec(codec);
}

/**
 * Whether {@link compress} and {@link decompress} can be called now, without {@link prepareCodec}.
 */
export function isCodecReady(codec: Codec): boolean {
  return codec !== 'zstd' || zstdReady();
}

export interface CompressOptions {
  /** Level of gzip (1–9, default 6) or zstd (1–22, default 3); the others have none. */
  readonly level?: number;
}

/**
 * Compresses as Kafka's clients do: gzip member, xerial-framed snappy, LZ4 frame, zstd frame.
 * `none` returns the bytes.
 * Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE` when the codec's package is missing or not
 * prepared.
 */
export function compress(
  codec: Codec,
  bytes: Buffer | readonly Buffer[],
  options: CompressOptions = {},
): Buffer {
  const plain = Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes);
  switch (codec) {
    case 'none':
      return plain;
    case 'gzip':
      return gzip(plain, options.level);
    case 'snappy':
      return snappyCompress(plain);
    case 'lz4':
      return lz4Compress(plain);
    case 'zstd':
      return zstdCompress(plain, options.level);
  }
}

/**
 * Expands a compressed records section; several members or frames in a row are read as one.
 * Throws RecordError `expanded_too_large` when the result would exceed `maxBytes`, `corrupt_record`
 * for bytes that are not of this codec, and KafkaError `UNSUPPORTED_COMPRESSION_TYPE` when its
 * package is missing or not prepared.
 */
export function decompress(
  codec: Codec,
  bytes: Buffer,
  maxBytes: number = EXPANDED_BYTES_MAX_DEFAULT,
): Buffer {
  try {
    return expand(codec, bytes, maxBytes);
  } catch (error) {
    if (error instanceof RecordError || error instanceof KafkaError) throw error;
    const place = { offset: -1, position: 0 };
    throw new RecordError('corrupt_record', `${codec} data cannot be read`, place, {
      cause: error,
    });
  }
}

function expand(codec: Codec, bytes: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return gunzipCapped(bytes, maxBytes);
    case 'snappy':
      return snappyDecompress(bytes, maxBytes);
    case 'lz4':
      return lz4Decompress(bytes, maxBytes);
    case 'zstd':
      return zstdDecompress(bytes, maxBytes);
  }
}
