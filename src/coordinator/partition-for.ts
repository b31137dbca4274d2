// Which partition of `__consumer_offsets` keeps a group (org.apache.kafka.common.utils.Utils.abs over
// java.lang.String.hashCode).

/** Java's `String.hashCode`: an int32 over UTF-16 code units. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/** The partition, of `partitionCount` (> 0), that holds the group or transactional id. */
export function partitionFor(id: string, partitionCount: number): number {
  const hash = javaStringHash(id);
  // The lowest int32 has no positive twin; Kafka maps it to 0.
  return hash === -0x8000_0000 ? 0 : Math.abs(hash) % partitionCount;
}
