// The schema language: a message is a table of fields, each with the versions that carry it.
// Types follow from the schema; codecs are built from it (compile.ts, interpret.ts).
//
// `since`/`until` are versions, inclusive. A field outside its versions is not on the wire: it
// reads as its fallback, and writing anything else is an error unless the field is `ignorable`, as
// in Kafka. Without `fallback` a field falls back to the zero of its kind: 0, false, '', the zero
// UUID, an empty buffer or array, null records, a struct of fallbacks. Note that a nullable field
// does not fall back to null by itself; that too is Kafka's rule.

import { assert } from '../../base/errors.ts';
import type { Payload } from '../../base/payload.ts';

/**
 * Above every version: "in no version" for lower bounds, "in all later versions" for upper ones.
 */
export const NEVER = 0x7fff;

/** The UUID of sixteen zero bytes, as Kafka prints it: "no id". */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

export type ScalarKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes';
export type Kind = ScalarKind | 'records' | 'struct' | 'array';

/**
 * One field. `Out` is what decoding gives, `In` what encoding takes, `Optional` whether it may be
 * left out there.
 */
export interface Field<Out = unknown, In = unknown, Optional extends boolean = boolean> {
  readonly kind: Kind;
  readonly since: number;
  readonly until: number;
  readonly nullableSince: number;
  readonly nullableUntil: number;
  readonly fallback: unknown;
  readonly ignorable: boolean;
  /** Number of the tag that carries it, or -1 for a field in the fixed part. */
  readonly tag: number;
  /** Keeps the two-byte length in flexible versions too (the client id of the request header). */
  readonly plainLength: boolean;
  /** Fields of a struct, or of the structs in an array. */
  readonly of: Fields | undefined;
  /** Kind of the scalars in an array. */
  readonly item: ScalarKind | undefined;
  /** Never set: carries the types. */
  readonly types?: { readonly out: Out; readonly in: In; readonly optional: Optional };
}

export interface Fields {
  readonly [name: string]: Field;
}

type OutOf<F> = F extends Field<infer Out, unknown, boolean> ? Out : never;
type InOf<F> = F extends Field<unknown, infer In, boolean> ? In : never;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, unknown, true> ? K : never;
}[keyof F];

/** The value of a decoded message: every field is there, whatever the version. */
export type Infer<F extends Fields> = { -readonly [K in keyof F]: OutOf<F[K]> };

/**
 * The value to encode: fields with a fallback of their own, fields that only some versions carry,
 * ignorable and tagged fields may be left out and are then written as their fallback.
 */
export type Input<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: InOf<F[K]>;
} & { readonly [K in OptionalKeys<F>]?: InOf<F[K]> };

export interface Range {
  readonly since?: number;
  readonly until?: number;
}

export interface Options<T> extends Range {
  readonly fallback?: T;
  readonly ignorable?: boolean;
  readonly plainLength?: boolean;
}

export interface NullableOptions<T> extends Options<T | null> {
  /** First version in which null is allowed; 0 when left out. */
  readonly nullableSince?: number;
  readonly nullableUntil?: number;
}

type IsOptional<O> = O extends
  | { readonly fallback: unknown }
  | { readonly since: number }
  | { readonly until: number }
  | { readonly ignorable: true }
  ? true
  : false;

function field<Out, In, Optional extends boolean>(
  kind: Kind,
  options: NullableOptions<unknown>,
  nullable: boolean,
  content?: Fields | Field,
): Field<Out, In, Optional> {
  const scalars = isField(content);
  const item = scalars ? content.kind : undefined;
  assert(
    item !== 'array' && item !== 'struct' && item !== 'records',
    `an array cannot hold ${item}`,
  );
  assert(
    !Array.isArray(options.fallback) || options.fallback.length === 0,
    'arrays fall back to []',
  );
  return {
    kind,
    since: options.since ?? 0,
    until: options.until ?? NEVER,
    nullableSince: nullable ? (options.nullableSince ?? 0) : NEVER,
    nullableUntil: options.nullableUntil ?? NEVER,
    fallback: options.fallback,
    ignorable: options.ignorable ?? false,
    tag: -1,
    plainLength: options.plainLength ?? false,
    of: scalars ? undefined : content,
    item,
  };
}

function isField(content: Fields | Field | undefined): content is Field {
  return content !== undefined && typeof content.kind === 'string';
}

const scalar =
  <T>(kind: ScalarKind) =>
  <const O extends Options<T>>(options?: O): Field<T, T, IsOptional<O>> =>
    field(kind, options ?? {}, false);

const nullable =
  <T>(kind: ScalarKind) =>
  <const O extends NullableOptions<T>>(options?: O): Field<T | null, T | null, IsOptional<O>> =>
    field(kind, options ?? {}, true);

export const bool = scalar<boolean>('bool');
export const int8 = scalar<number>('int8');
export const int16 = scalar<number>('int16');
export const int32 = scalar<number>('int32');
/**
 * Safe integers; values beyond them read as `Number.MAX_SAFE_INTEGER` or `Number.MIN_SAFE_INTEGER`.
 */
export const int64 = scalar<number>('int64');
export const uint16 = scalar<number>('uint16');
export const float64 = scalar<number>('float64');
/** 22 characters of base64url, as Kafka prints them. */
export const uuid = scalar<string>('uuid');
export const string = scalar<string>('string');
export const nullableString = nullable<string>('string');
/** A slice of the frame when read: copy it to keep it longer than the frame. */
export const bytes = scalar<Buffer>('bytes');
export const nullableBytes = nullable<Buffer>('bytes');

/**
 * Record batches or null, never decoded here: read as a slice of the frame, written by reference.
 */
export const records = <const O extends Range>(
  options?: O,
): Field<Buffer | null, Payload | null, IsOptional<O>> => field('records', options ?? {}, true);

type Item<C extends Fields | Field> =
  C extends Field<infer Out, unknown, boolean> ? Out : C extends Fields ? Infer<C> : never;
type ItemInput<C extends Fields | Field> =
  C extends Field<unknown, infer In, boolean> ? In : C extends Fields ? Input<C> : never;

/**
 * An array of structs (given their fields) or of scalars (given one, for example `array(int32())`).
 */
export const array = <
  const C extends Fields | Field,
  const O extends Options<readonly ItemInput<C>[]>,
>(
  content: C,
  options?: O,
): Field<Item<C>[], readonly ItemInput<C>[], IsOptional<O>> =>
  field('array', options ?? {}, false, content);

export const nullableArray = <
  const C extends Fields | Field,
  const O extends NullableOptions<readonly ItemInput<C>[]>,
>(
  content: C,
  options?: O,
): Field<Item<C>[] | null, readonly ItemInput<C>[] | null, IsOptional<O>> =>
  field('array', options ?? {}, true, content);

export const struct = <const F extends Fields, const O extends Omit<Options<never>, 'fallback'>>(
  fields: F,
  options?: O,
): Field<Infer<F>, Input<F>, IsOptional<O>> => field('struct', options ?? {}, false, fields);

export const nullableStruct = <const F extends Fields, const O extends NullableOptions<never>>(
  fields: F,
  options?: O,
): Field<Infer<F> | null, Input<F> | null, IsOptional<O>> =>
  field('struct', options ?? {}, true, fields);

/**
 * Puts a field into the tagged section of its struct (KIP-482): written only when it differs from
 * its fallback.
 */
export const tagged = <Out, In>(
  tag: number,
  inner: Field<Out, In, boolean>,
): Field<Out, In, true> => {
  const { types: _, ...rest } = inner;
  return { ...rest, tag };
};
