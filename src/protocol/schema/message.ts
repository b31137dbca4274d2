// A message: a schema with a name and a range of versions, and its codecs, built when first used: interpreters at
// first, generated code for what is met again and again.

import type { Codec, Complete } from './codec.ts';
import { compileCodec, compileComplete } from './compile.ts';
import { ProtocolError } from './error.ts';
import type { Fields, Infer, Input } from './field.ts';
import { interpretCodec, interpretComplete } from './interpret.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Lowest and highest version, inclusive. */
export type VersionRange = readonly [lowest: number, highest: number];

export interface Message<F extends Fields = Fields> {
  readonly name: string;
  readonly versions: VersionRange;
  /** First version with compact lengths and tagged fields; `NEVER` when there is none. */
  readonly flexible: number;
  readonly fields: F;
  /**
   * Reads the message from the reader's position; bytes behind it are left. Throws `ProtocolError`.
   */
  decode(reader: Reader, version: number): Infer<F>;
  /** Appends the message. Throws `ProtocolError` for a value that the version cannot carry. */
  encode(writer: Writer, version: number, value: Input<F>): void;
  /**
   * The same value with every field set, as its receiver would decode it in a version that carries
   * all.
   */
  complete(value: Input<F>): Infer<F>;
}

export interface MessageOptions {
  readonly versions: VersionRange;
  readonly flexible: number;
}

/**
 * Generating code costs some 0.3 ms a codec, interpreting a small message 0.01: a start that is waited for, and a tool
 * that asks once, need no more than a few messages of each kind.
 */
const INTERPRETED_USES = 8;

/** An interpreter that stands in until its generated successor pays. */
interface Trial<T> {
  readonly interpreter: T;
  usesLeft: number;
}

/** Declares a message. */
export function message<const F extends Fields>(
  name: string,
  options: MessageOptions,
  fields: F,
): Message<F> {
  const { versions, flexible } = options;
  const codecs: Codec[] = [];
  const trials: Trial<Codec>[] = [];
  let complete: Complete | undefined;
  let completeTrial: Trial<Complete> | undefined;
  const codecFor = (version: number): Codec => {
    if (!Number.isInteger(version) || version < versions[0] || version > versions[1]) {
      throw new ProtocolError(
        'unsupported_message_version',
        `${name} has versions ${versions[0]} to ${versions[1]}, not ${version}`,
      );
    }
    const layout = { version, flexible: version >= flexible };
    const trial = trials[version] ?? trialOf(interpretCodec(fields, layout));
    trials[version] = trial;
    const built = generatedInTime(trial, () => compileCodec(name, fields, layout));
    if (built === null) return trial.interpreter;
    codecs[version] = built;
    return built;
  };
  // Apart from what makes one: a function that has a function in it makes room for both at each call.
  const codec = (version: number): Codec => codecs[version] ?? codecFor(version);
  const completer = (): Complete => {
    if (complete !== undefined) return complete;
    completeTrial ??= trialOf(interpretComplete(fields));
    const built = generatedInTime(completeTrial, () => compileComplete(name, fields));
    if (built === null) return completeTrial.interpreter;
    complete = built;
    return built;
  };
  return {
    name,
    versions,
    flexible,
    fields,
    decode: (reader, version) => codec(version).read(reader) as Infer<F>,
    encode: (writer, version, value) => codec(version).write(writer, value),
    complete: (value) => completer()(value) as Infer<F>,
  };
}

function trialOf<T>(interpreter: T): Trial<T> {
  return { interpreter, usesLeft: INTERPRETED_USES };
}

/** Null while the interpreter does. Generated code where it is allowed, else the interpreter for good. */
function generatedInTime<T>(trial: Trial<T>, compile: () => T): T | null {
  if (trial.usesLeft > 0) {
    trial.usesLeft--;
    return null;
  }
  try {
    return compile();
  } catch (error) {
    if (error instanceof EvalError) return trial.interpreter;
    throw error;
  }
}

/** Decodes a message that fills a buffer of its own. Throws `ProtocolError`. */
export function decodeMessage<F extends Fields>(
  schema: Message<F>,
  version: number,
  buffer: Buffer,
): Infer<F> {
  return schema.decode(new Reader(buffer), version);
}

/** Encodes a message into one buffer. Throws `ProtocolError`. */
export function encodeMessage<F extends Fields>(
  schema: Message<F>,
  version: number,
  value: Input<F>,
): Buffer {
  const writer = new Writer();
  schema.encode(writer, version, value);
  return writer.toBuffer();
}

/**
 * Decodes a value that begins with its version as an int16: the records of `__consumer_offsets` and
 * `__transaction_state`, control records, and what consumers put into their subscriptions. With
 * `newer: 'as-newest'` a version above ours is read as our newest, which Kafka does for
 * subscriptions; else it is refused. Throws `ProtocolError`.
 */
export function decodeVersioned<F extends Fields>(
  schema: Message<F>,
  buffer: Buffer,
  newer: 'refuse' | 'as-newest' = 'refuse',
): Infer<F> {
  const reader = new Reader(buffer);
  const version = reader.int16();
  const newest = schema.versions[1];
  return schema.decode(reader, newer === 'as-newest' && version > newest ? newest : version);
}

/** Encodes a value behind its version as an int16. Throws `ProtocolError`. */
export function encodeVersioned<F extends Fields>(
  schema: Message<F>,
  version: number,
  value: Input<F>,
): Buffer {
  const writer = new Writer(128);
  writer.reserve(2);
  writer.putInt16(version);
  schema.encode(writer, version, value);
  return writer.toBuffer();
}
