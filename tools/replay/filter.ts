// The filter language: small, total, and safe on records that nobody trusts. No loops, no regular expressions, no way
// to call anything. A path that leads nowhere is `null`, never an error.
//
//   value.total > 100 && header.region == "eu"
//   key in ["a", "b"] || startsWith(key, "user-")
//   exists(value.error) && !contains(value.error.message, "timeout")
//
// Fields: key, value (JSON, else text), header.NAME (the last of that name), topic, partition, offset, timestamp (ms; a
// text it is compared with is a time, as in offsets), size (bytes of key and value).
// Operators, loosest first: || && ! == != < <= > >= in, then paths: .name ["name"] [0].
// Functions: exists(x) contains(x, y) startsWith(x, y) endsWith(x, y) lower(x) length(x) number(x).

import { OffsetSpecError, parseOffsetSpec } from '../../src/client/index.ts';
import { ReplayError } from './errors.ts';
import { exactNumber, type Json, jsonText, parseExactly } from './exact-json.ts';
import type { PlacedRecord } from './types.ts';

/** What an expression can be. */
type Value = Json;
type Evaluate = (record: FilterRecord) => Value;

interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const SIGNS = ['||', '&&', '==', '!=', '<=', '>=', '<', '>', '!', '(', ')', '[', ']', ',', '.'];
/** What other languages write, and what is meant. */
const meant: Readonly<Record<string, string>> = {
  '=': '==',
  '&': '&&',
  '|': '||',
  and: '&&',
  or: '||',
  not: '!',
};
/** An expression as deep as this is a mistake, or an attack on our stack. */
const DEPTH_MAX = 100;

/** A record as filters see it; the value is parsed at most once. */
class FilterRecord {
  readonly record: PlacedRecord;
  #value: Value | undefined;

  constructor(record: PlacedRecord) {
    this.record = record;
  }

  get value(): Value {
    this.#value ??= parsedValue(this.record.value);
    return this.#value;
  }
}

/** Compiles a filter. Throws ReplayError `invalid_filter`, which shows the place. */
export function compileFilter(source: string): (record: PlacedRecord) => boolean {
  const evaluate = new Parser(source).parse();
  return (record) => truth(evaluate(new FilterRecord(record)));
}

function parsedValue(bytes: Buffer | null): Value {
  if (bytes === null) return null;
  const text = bytes.toString();
  const first = text.trimStart()[0] ?? '';
  if (!/[[{"\-0-9tfn]/.test(first)) return text;
  try {
    return parseExactly(text);
  } catch {
    return text;
  }
}

function truth(value: Value): boolean {
  return value !== null && value !== false && value !== '' && value !== 0;
}

function field(value: unknown, name: string | number): Value {
  if (typeof value !== 'object' || value === null) return null;
  if (!Object.hasOwn(value, name)) return null;
  return ((value as Record<string | number, unknown>)[name] ?? null) as Value;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && jsonText(a) === jsonText(b);
}

function isNumeric(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Numbers with numbers and texts with texts; anything else has no order. */
function compare(a: Value, b: Value): number {
  const ordered = isNumeric(a) ? isNumeric(b) : typeof a === 'string' && typeof b === 'string';
  if (ordered && a !== null && b !== null) return a < b ? -1 : Number(a > b);
  return Number.NaN;
}

function text(value: Value): string {
  if (value === null) return '';
  return typeof value === 'object' ? jsonText(value) : String(value);
}

function lengthOf(value: Value): Value {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return value === null ? null : Object.keys(value).length;
}

function numberOf(digits: string): Value {
  return digits === '' || Number.isNaN(Number(digits)) ? null : exactNumber(digits);
}

const comparisons: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  '==': same,
  '!=': (a, b) => !same(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: (a, b) => Array.isArray(b) && b.some((one) => same(a, one)),
};

const functions: Readonly<
  Record<string, { readonly parameters: number; readonly run: (...of: Value[]) => Value }>
> = {
  exists: { parameters: 1, run: (x = null) => x !== null },
  contains: {
    parameters: 2,
    run: (x = null, y = null) =>
      Array.isArray(x) ? x.some((one) => same(one, y)) : text(x).includes(text(y)),
  },
  startsWith: { parameters: 2, run: (x = null, y = null) => text(x).startsWith(text(y)) },
  endsWith: { parameters: 2, run: (x = null, y = null) => text(x).endsWith(text(y)) },
  lower: { parameters: 1, run: (x = null) => text(x).toLowerCase() },
  length: { parameters: 1, run: (x = null) => lengthOf(x) },
  number: {
    parameters: 1,
    run: (x = null) => (isNumeric(x) ? x : numberOf(text(x).trim())),
  },
};

const fields: Readonly<Record<string, Evaluate>> = {
  key: ({ record }) => record.key?.toString() ?? null,
  value: (record) => record.value,
  topic: ({ record }) => record.topic,
  partition: ({ record }) => record.partition,
  offset: ({ record }) => record.offset,
  timestamp: ({ record }) => record.timestamp,
  size: ({ record }) => (record.key?.length ?? 0) + (record.value?.length ?? 0),
};
const constants: Readonly<Record<string, Value>> = { true: true, false: false, null: null };

function hintFor(typed: string): string {
  const sign = Object.hasOwn(meant, typed) ? meant[typed] : undefined;
  return sign === undefined ? '' : `; write ${sign}`;
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = [...this.#read()];
  }

  parse(): Evaluate {
    const whole = this.#or();
    const rest = this.#peek();
    if (rest.kind === 'end') return whole;
    throw this.#wrong(rest, `'${rest.text}' was not expected here${hintFor(rest.text)}`);
  }

  *#read(): Generator<Token> {
    const source = this.#source;
    for (let at = 0; at < source.length; ) {
      const rest = source.slice(at);
      const space = /^\s+/.exec(rest)?.[0];
      if (space !== undefined) {
        at += space.length;
        continue;
      }
      const token = this.#tokenAt(rest, at);
      yield token;
      at += token.kind === 'text' ? lengthOfString(rest) : token.text.length;
    }
    yield { kind: 'end', text: 'the end', at: source.length };
  }

  #tokenAt(rest: string, at: number): Token {
    const name = /^[A-Za-z_$][A-Za-z0-9_$-]*/.exec(rest)?.[0];
    if (name !== undefined) return { kind: 'name', text: name, at };
    const number = /^-?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(rest)?.[0];
    if (number !== undefined) return { kind: 'number', text: number, at };
    if (rest[0] === '"' || rest[0] === "'") {
      const length = lengthOfString(rest);
      if (length === 0) throw this.#wrong({ at }, 'this text does not end');
      return { kind: 'text', text: unquoted(rest.slice(1, length - 1)), at };
    }
    const sign = SIGNS.find((one) => rest.startsWith(one));
    if (sign === undefined) {
      throw this.#wrong({ at }, `'${rest[0]}' has no meaning${hintFor(rest[0] ?? '')}`);
    }
    return { kind: 'sign', text: sign, at };
  }

  #or(): Evaluate {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.#wrong(this.#peek(), 'too many brackets');
    let left = this.#and();
    while (this.#take('||')) {
      const [a, b] = [left, this.#and()];
      left = (record) => truth(a(record)) || truth(b(record));
    }
    this.#depth -= 1;
    return left;
  }

  #and(): Evaluate {
    let left = this.#not();
    while (this.#take('&&')) {
      const [a, b] = [left, this.#not()];
      left = (record) => truth(a(record)) && truth(b(record));
    }
    return left;
  }

  #not(): Evaluate {
    let negated = false;
    while (this.#take('!')) negated = !negated;
    const inner = this.#comparison();
    return negated ? (record) => !truth(inner(record)) : inner;
  }

  #comparison(): Evaluate {
    const before = this.#next;
    const left = this.#path();
    const at = this.#next;
    const { kind, text: sign } = this.#peek();
    const compared = Object.hasOwn(comparisons, sign) ? comparisons[sign] : undefined;
    if (compared === undefined || (kind !== 'sign' && sign !== 'in')) return left;
    this.#next += 1;
    const right = this.#path();
    const [a, b] = [this.#alone(before, at), this.#alone(at + 1, this.#next)];
    if (a?.text === 'timestamp' && b?.kind === 'text') {
      const time = this.#time(b);
      return (record) => compared(left(record), time);
    }
    return (record) => compared(left(record), right(record));
  }

  /** The token, where an operand is nothing else. */
  #alone(from: number, to: number): Token | null {
    return to === from + 1 ? (this.#tokens[from] ?? null) : null;
  }

  /** Milliseconds of a text that timestamps are compared with. */
  #time(token: Token): number {
    try {
      // Not relative to now: whoever goes on with a job tomorrow means the same records.
      const spec = parseOffsetSpec(`@${token.text}`, Number.NaN);
      if (spec.kind === 'timestamp' && !Number.isNaN(spec.timestampMs)) return spec.timestampMs;
    } catch (error) {
      if (!(error instanceof OffsetSpecError)) throw error;
    }
    throw this.#wrong(token, `'${token.text}' is no time: write "2026-11-22T10:00:00Z"`);
  }

  #path(): Evaluate {
    let at = this.#operand();
    for (;;) {
      if (this.#take('.')) {
        const name = this.#peek();
        if (name.kind !== 'name') throw this.#wrong(name, 'a name belongs after the dot');
        this.#next += 1;
        const base = at;
        at = (record) => field(base(record), name.text);
      } else if (this.#take('[')) {
        const index = this.#peek();
        if (index.kind !== 'text' && index.kind !== 'number') {
          throw this.#wrong(index, 'a number or a "name" belongs in these brackets');
        }
        this.#next += 1;
        this.#need(']');
        const base = at;
        const name = index.kind === 'number' ? Number(index.text) : index.text;
        at = (record) => field(base(record), name);
      } else return at;
    }
  }

  #operand(): Evaluate {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === 'text') return () => token.text;
    if (token.kind === 'number') {
      const value = exactNumber(token.text);
      return () => value;
    }
    if (token.kind === 'name') return this.#named(token);
    if (token.text === '(') {
      const inner = this.#or();
      this.#need(')');
      return inner;
    }
    if (token.text === '[') {
      const items = this.#list(']');
      return (record) => items.map((one) => one(record));
    }
    throw this.#wrong(token, `${token.text} was not expected here`);
  }

  #named(token: Token): Evaluate {
    const { text: name } = token;
    if (Object.hasOwn(constants, name)) return () => constants[name] ?? null;
    if (this.#take('(')) return this.#call(token);
    if (name === 'header') return this.#header();
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (known !== undefined) return known;
    const all = [...Object.keys(fields), 'header.NAME'].join(', ');
    throw this.#wrong(token, `there is no field '${name}', only ${all}${hintFor(name)}`);
  }

  #call(token: Token): Evaluate {
    const known = Object.hasOwn(functions, token.text) ? functions[token.text] : undefined;
    if (known === undefined) {
      const all = Object.keys(functions).join(', ');
      throw this.#wrong(token, `there is no function '${token.text}', only ${all}`);
    }
    const given = this.#list(')');
    if (given.length !== known.parameters) {
      throw this.#wrong(token, `${token.text} takes ${known.parameters}, not ${given.length}`);
    }
    return (record) => known.run(...given.map((one) => one(record)));
  }

  #header(): Evaluate {
    const dotted = this.#take('.');
    if (!dotted) this.#need('[');
    const name = this.#peek();
    if (name.kind !== 'name' && name.kind !== 'text') {
      throw this.#wrong(name, 'write header.NAME or header["name"]');
    }
    this.#next += 1;
    if (!dotted) this.#need(']');
    return ({ record }) =>
      record.headers.findLast((one) => one.key === name.text)?.value?.toString() ?? null;
  }

  #list(end: string): Evaluate[] {
    const items: Evaluate[] = [];
    if (this.#take(end)) return items;
    do items.push(this.#or());
    while (this.#take(','));
    this.#need(end);
    return items;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: 'the end', at: this.#source.length };
  }

  #take(sign: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'sign' || token.text !== sign) return false;
    this.#next += 1;
    return true;
  }

  #need(sign: string): void {
    if (!this.#take(sign)) throw this.#wrong(this.#peek(), `'${sign}' is missing here`);
  }

  #wrong({ at }: { readonly at: number }, why: string): ReplayError {
    const arrow = `${' '.repeat(at)}^`;
    return new ReplayError(
      'invalid_filter',
      `the filter does not parse: ${why}, at column ${at + 1}\n  ${this.#source}\n  ${arrow}`,
    );
  }
}

/** Characters of a quoted string from its first quote to its last; 0 when it does not end. */
function lengthOfString(source: string): number {
  for (let at = 1; at < source.length; at++) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === source[0]) return at + 1;
  }
  return 0;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquoted(inner: string): string {
  return inner.replaceAll(/\\(.)/gs, (_, one: string) => escapes[one] ?? one);
}
