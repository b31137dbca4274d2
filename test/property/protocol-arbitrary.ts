// Values of a schema for fast-check: what a version can carry, so that decoding gives back exactly
// what was encoded.

import type { Message } from '../../src/protocol/index.ts';
import * as protocol from '../../src/protocol/index.ts';
import type { Field, Fields, ScalarKind } from '../../src/protocol/schema/field.ts';
import { fallbackOf, isNullable, isPresent } from '../../src/protocol/schema/layout.ts';
import { fc } from '../support/fast-check.ts';

/** Every schema that the protocol layer exports. */
export const messages: readonly Message[] = (Object.values(protocol) as unknown[]).filter(
  (value): value is Message =>
    typeof value === 'object' && value !== null && 'fields' in value && 'decode' in value,
);

/** Every schema in every version. */
export const versionsOfMessages: readonly (readonly [string, number, Message])[] = messages.flatMap(
  (message) => {
    const [lowest, highest] = message.versions;
    const count = highest - lowest + 1;
    return Array.from({ length: count }, (_, i) => [message.name, lowest + i, message] as const);
  },
);

const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array.buffer));
const uuid = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((array) => Buffer.from(array.buffer).toString('base64url'));

/** Any character; fast-check's own ('binary') makes a map of all of them first. */
const character = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

const scalars: { readonly [K in ScalarKind]: fc.Arbitrary<unknown> } = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  int64: fc.maxSafeInteger(),
  float64: fc.double(),
  uuid: fc.oneof(fc.constant(protocol.ZERO_UUID), uuid),
  string: fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: character, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ unit: character, minLength: 40, maxLength: 200 }) },
  ),
  bytes: bytes(20),
};

function fieldValue(field: Field, version: number): fc.Arbitrary<unknown> {
  if (!isPresent(field, version)) return fc.constant(0).map(() => fallbackOf(field));
  const value = presentValue(field, version);
  if (!isNullable(field, version)) return value;
  return fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 3, arbitrary: value });
}

function presentValue(field: Field, version: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'struct':
      return structValue(field.of!, version);
    case 'array': {
      const item = field.item === undefined ? structValue(field.of!, version) : scalars[field.item];
      return fc.array(item, { maxLength: 3 });
    }
    case 'records':
      return fc.oneof(bytes(30), bytes(3000));
    default:
      return scalars[field.kind];
  }
}

/** Values that the version can carry; fields that it lacks have their fallback. */
export function structValue(
  fields: Fields,
  version: number,
): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, f]) => [name, fieldValue(f, version)])),
    { noNullPrototype: true },
  );
}
