/** Bytes that a string has at most on the wire and in records, also where its length would have more bits. */
export const STRING_BYTES_MAX = 0x7fff;

/**
 * Whether the text fits a Kafka string. What came in as invalid UTF-8 is longer on its way out, so this is not
 * settled by having been read from a request.
 */
export function storable(text: string | null): boolean {
  return (
    text === null ||
    text.length * 3 <= STRING_BYTES_MAX ||
    Buffer.byteLength(text) <= STRING_BYTES_MAX
  );
}
