// Kafka's topic ids: 16 bytes, shown as 22 characters of URL-safe base64
// (org.apache.kafka.common.Uuid).

import { TidemarkError } from './errors.ts';
import type { Random } from './ports.ts';

export const UUID_BYTES = 16;

/** Sixteen zero bytes: "no topic id" on the wire. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** `Uuid.ONE_UUID`, which Kafka reserves (the metadata topic). */
const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** Text that is no topic id. */
export class UuidError extends TidemarkError<'invalid_uuid'> {
  constructor(text: string) {
    super('invalid_uuid', `"${text}" is no id: 22 characters of A–Z, a–z, 0–9, - and _ are needed`);
  }
}

/** The text form of 16 bytes at `position`. */
export function formatUuid(bytes: Buffer, position = 0): string {
  return bytes.toString('base64url', position, position + UUID_BYTES);
}

/** The 16 bytes of a text form. Throws {@link UuidError}. */
export function parseUuid(text: string): Buffer {
  if (!/^[A-Za-z0-9_-]{22}$/.test(text)) throw new UuidError(text);
  const bytes = Buffer.from(text, 'base64url');
  // The last character holds only two bits of the id; others would be lost silently.
  if (formatUuid(bytes) !== text) throw new UuidError(text);
  return bytes;
}

/**
 * A fresh id in text form: a version 4 UUID, never a reserved one and, as in Kafka, never one with
 * a leading `-` (command lines would take it for an option).
 */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(UUID_BYTES);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const text = formatUuid(bytes);
    if (!text.startsWith('-') && text !== ZERO_UUID && text !== ONE_UUID) return text;
  }
}
