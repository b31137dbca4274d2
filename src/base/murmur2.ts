// Murmur2, 32 bits, as Kafka's default partitioner uses it
// (org.apache.kafka.common.utils.Utils.murmur2), so that a key lands in the same partition
// whichever client writes it.

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Murmur2 of `bytes` as an int32, with Kafka's seed. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = SEED ^ length;
  let i = 0;
  for (const end = length - 3; i < end; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k = Math.imul(k ^ (k >>> R), M);
    hash = Math.imul(hash, M) ^ k;
  }
  const rest = length - i;
  if (rest >= 3) hash ^= (bytes[i + 2] as number) << 16;
  if (rest >= 2) hash ^= (bytes[i + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[i] as number), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/**
 * The partition, 0 to `partitionCount` − 1, where Java's default partitioner puts a record with
 * this key.
 */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  // Kafka masks the sign bit rather than taking the absolute value.
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}
