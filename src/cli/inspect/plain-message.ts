// A decoded message as plain JSON, in the form of Kafka's own tools: what its version does not carry, and tagged fields
// that were not written, are left out; bytes are base64.

import type { Field, Fields } from '../../protocol/schema/field.ts';
import { isFallback, isPresent } from '../../protocol/schema/layout.ts';

/** The fields that the message's bytes had. */
export function plainMessage(fields: Fields, version: number, message: object): object {
  const plain: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = (message as Record<string, unknown>)[name];
    if (!isPresent(field, version) || (field.tag >= 0 && isFallback(field, value))) continue;
    plain[name] = plainValue(field, version, value);
  }
  return plain;
}

/** A number; in words where it was too large for one, so that nobody takes the nearest one for it. */
export function plainNumber(value: number): number | string {
  if (Math.abs(value) !== Number.MAX_SAFE_INTEGER) return value;
  return value > 0 ? `${value} or more` : `${value} or less`;
}

function plainValue(field: Field, version: number, value: unknown): unknown {
  if (typeof value === 'number') return plainNumber(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  const { of } = field;
  if (of === undefined || typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return plainMessage(of, version, value);
  return value.map((one: object) => plainMessage(of, version, one));
}
