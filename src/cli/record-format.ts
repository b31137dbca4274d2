// Percent templates that turn a record into text: kcat's and rpk's habits in one.
//
//   %t topic   %p partition   %o offset   %k key   %v value (%s too)   %h headers k=v,k2=v2
//   %T timestamp in ms (%d too)   %K %V %S bytes of key and value   %n records so far   %% percent
//   \n \t \r \0 \xHH \\           escapes
//   %v{hex}   %k{base64}   %v{json}   text, hex, base64, json, msgpack
//   %T{iso}   %o{big8}     numbers: iso (times), ascii, hex, big8 big4 big2 byte little8 little4
//   %h{%k=%v;}             once for each header

import { usageError } from './exit-codes.ts';
import { decodeBytes, type Encoding, isEncoding } from './record-encoding.ts';

/** A record as printed. */
export interface PrintableRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
}

/** Encodings of `%k` and `%v` without braces. */
export interface FormatDefaults {
  readonly key: Encoding;
  readonly value: Encoding;
}

/** Turns a record into bytes; `index` counts records from 1. */
export type RecordFormatter = (record: PrintableRecord, index: number) => Buffer;

type Part = (record: PrintableRecord, index: number) => Buffer;

const numberFields: Readonly<Record<string, (record: PrintableRecord, index: number) => number>> = {
  p: (record) => record.partition,
  o: (record) => record.offset,
  T: (record) => record.timestamp,
  d: (record) => record.timestamp,
  K: (record) => record.key?.length ?? -1,
  V: (record) => record.value?.length ?? -1,
  S: (record) => record.value?.length ?? -1,
  n: (_, index) => index,
};

/** Compiles a template. Throws a usage error that names the place it does not understand. */
export function compileFormat(template: string, defaults: FormatDefaults): RecordFormatter {
  const parts = parse(template, defaults);
  return (record, index) => Buffer.concat(parts.map((part) => part(record, index)));
}

function parse(template: string, defaults: FormatDefaults): Part[] {
  const parts: Part[] = [];
  let literal: number[] = [];
  const flush = (): void => {
    if (literal.length === 0) return;
    const bytes = Buffer.from(literal);
    parts.push(() => bytes);
    literal = [];
  };
  for (let at = 0; at < template.length; ) {
    const character = template[at] ?? '';
    if (character === '\\') {
      const read = readEscape(template, at);
      literal.push(...read.bytes);
      at = read.next;
    } else if (character === '%') {
      if (template[at + 1] === '%') {
        literal.push(0x25);
        at += 2;
        continue;
      }
      flush();
      const verb = readVerb(template, at);
      parts.push(partOf(verb, defaults, template));
      at = verb.next;
    } else {
      const point = template.codePointAt(at) ?? 0;
      const text = String.fromCodePoint(point);
      literal.push(...Buffer.from(text));
      at += text.length;
    }
  }
  flush();
  return parts;
}

const escapes: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  '0': 0,
  '\\': 92,
};

function readEscape(template: string, at: number): { bytes: number[]; next: number } {
  const name = template[at + 1] ?? '';
  const hex = /^[0-9a-f]{2}/i.exec(template.slice(at + 2))?.[0];
  if (name === 'x' && hex !== undefined) return { bytes: [Number.parseInt(hex, 16)], next: at + 4 };
  const code = escapes[name];
  if (code !== undefined) return { bytes: [code], next: at + 2 };
  return { bytes: [0x5c], next: at + 1 };
}

interface Verb {
  readonly letter: string;
  readonly argument: string | null;
  readonly next: number;
}

/** `%v`, `%v{hex}`; braces nest, so that `%h{%v{hex}}` works. */
function readVerb(template: string, at: number): Verb {
  const letter = template[at + 1] ?? '';
  if (template[at + 2] !== '{') return { letter, argument: null, next: at + 2 };
  let depth = 0;
  for (let end = at + 2; end < template.length; end++) {
    if (template[end] === '{') depth += 1;
    if (template[end] === '}') depth -= 1;
    if (depth === 0) return { letter, argument: template.slice(at + 3, end), next: end + 1 };
  }
  throw badFormat(template, `the brace after %${letter} is not closed`);
}

function partOf(verb: Verb, defaults: FormatDefaults, template: string): Part {
  const { letter, argument } = verb;
  const numeric = numberFields[letter];
  if (numeric !== undefined) return numberPart(numeric, argument, template);
  switch (letter) {
    case 't':
      return (record) => Buffer.from(record.topic);
    case 'k':
      return bytesPart((record) => record.key, encodingOf(argument, defaults.key, template));
    case 'v':
    case 's':
      return bytesPart((record) => record.value, encodingOf(argument, defaults.value, template));
    case 'h':
      return headersPart(argument, defaults);
    default:
      throw badFormat(template, letter === '' ? 'it ends in %' : `%${letter} is not known`);
  }
}

function encodingOf(argument: string | null, fallback: Encoding, template: string): Encoding {
  const encoding = argument ?? fallback;
  if (!isEncoding(encoding)) {
    throw badFormat(template, `{${encoding}} is not text, hex, base64, json or msgpack`);
  }
  return encoding;
}

function bytesPart(field: (record: PrintableRecord) => Buffer | null, encoding: Encoding): Part {
  return (record) => {
    const bytes = field(record);
    if (bytes === null) return Buffer.alloc(0);
    return encoding === 'text' ? bytes : Buffer.from(decodeBytes(bytes, encoding));
  };
}

function headersPart(argument: string | null, defaults: FormatDefaults): Part {
  if (argument === null) {
    return (record) =>
      Buffer.from(record.headers.map(({ key, value }) => `${key}=${value ?? ''}`).join(','));
  }
  const inner = compileFormat(argument, { ...defaults, key: 'text' });
  return (record, index) =>
    Buffer.concat(
      record.headers.map(({ key, value }) =>
        inner({ ...record, key: Buffer.from(key), value }, index),
      ),
    );
}

const widths: Readonly<Record<string, number>> = {
  big8: 8,
  big4: 4,
  big2: 2,
  byte: 1,
  little8: 8,
  little4: 4,
};

function numberPart(
  field: (record: PrintableRecord, index: number) => number,
  argument: string | null,
  template: string,
): Part {
  const form = argument ?? 'ascii';
  if (form === 'ascii') return (record, index) => Buffer.from(String(field(record, index)));
  if (form === 'hex') return (record, index) => Buffer.from(field(record, index).toString(16));
  if (form === 'iso' || form === 'rfc3339') {
    return (record, index) => {
      const value = field(record, index);
      return Buffer.from(
        value >= 0 && value <= 8.64e15 ? new Date(value).toISOString() : String(value),
      );
    };
  }
  const width = widths[form];
  if (width === undefined) {
    throw badFormat(
      template,
      `{${form}} is not ascii, hex, iso, big8, big4, big2, byte or little8`,
    );
  }
  return (record, index) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(field(record, index)));
    const cut = bytes.subarray(8 - width);
    return form.startsWith('little') ? cut.reverse() : cut;
  };
}

function badFormat(template: string, why: string): Error {
  return usageError(
    `the format '${template}' cannot be used: ${why}`,
    'write for example -f \'%t/%p@%o %k=%v\\n\'; see "tidemark consume --help"',
  );
}
