// Lines of a byte stream, whatever the bytes are: no decoding, any delimiter.

import { usageError } from './exit-codes.ts';

/** Longest line: more is surely not meant to be one record. */
const LINE_BYTES_MAX = 128 * 1024 * 1024;

/** Lines without their delimiter. The bytes after the last delimiter are a line too, unless there are none. */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  delimiter: Uint8Array,
): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
    let from = 0;
    // A delimiter of several bytes may have begun in what was looked at before.
    let search = Math.max(0, rest.length - delimiter.length + 1);
    for (;;) {
      const at = bytes.indexOf(delimiter, search);
      if (at === -1) break;
      yield bytes.subarray(from, at);
      from = at + delimiter.length;
      search = from;
    }
    rest = bytes.subarray(from);
    if (rest.length > LINE_BYTES_MAX) {
      throw usageError(
        `a line is longer than ${LINE_BYTES_MAX} bytes`,
        'set --delimiter to what ends records',
      );
    }
  }
  if (rest.length > 0) yield rest;
}

/** A delimiter as typed: `\n`, `\t`, `\0`, `\x1e`, or the text itself. */
export function delimiterBytes(text: string, option: string): Buffer {
  if (text === '') throw usageError(`${option}: the delimiter is empty`);
  const plain = text.replace(
    /\\(?:x([0-9a-f]{2})|([nrt0\\]))/gi,
    (_, hex?: string, name?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return { n: '\n', r: '\r', t: '\t', '0': '\0' }[name ?? ''] ?? '\\';
    },
  );
  return Buffer.from(plain, /^[\0-\xff]*$/.test(plain) && /\\x/i.test(text) ? 'latin1' : 'utf8');
}
