import { beforeAll, describe, expect, test } from 'vitest';
import { configPairs } from '../../../src/cli/config-pairs.ts';
import { delimiterBytes, readLines } from '../../../src/cli/line-reader.ts';
import {
  encodeText,
  fromJsonField,
  prepareEncoding,
  toJsonField,
} from '../../../src/cli/record-encoding.ts';
import { compileFormat, type PrintableRecord } from '../../../src/cli/record-format.ts';
import {
  type LineForm,
  parseHeader,
  recordOfJson,
  recordOfLine,
} from '../../../src/cli/typed-records.ts';
import { fc } from '../../support/fast-check.ts';

beforeAll(() => prepareEncoding('msgpack'));

const record: PrintableRecord = {
  topic: 'orders',
  partition: 3,
  offset: 4_294_967_297,
  timestamp: Date.UTC(2026, 10, 22),
  key: Buffer.from('k'),
  value: Buffer.from('{"a": 1}'),
  headers: [
    { key: 'h1', value: Buffer.from('x') },
    { key: 'h2', value: null },
  ],
};
const format = (template: string) =>
  compileFormat(template, { key: 'text', value: 'text' })(record, 7);

describe('formats', () => {
  test.each([
    ['%t/%p@%o', 'orders/3@4294967297'],
    ['%k=%v\\n', 'k={"a": 1}\n'],
    ['%s|%S|%K|%V', '{"a": 1}|8|1|8'],
    ['%T %d', '1795305600000 1795305600000'],
    ['%T{iso}', '2026-11-22T00:00:00.000Z'],
    ['%h', 'h1=x,h2='],
    ['%h{[%k:%v]}', '[h1:x][h2:]'],
    ['%h{%v{hex}}', '78'],
    ['%v{hex}', '7b2261223a20317d'],
    ['%v{base64}', 'eyJhIjogMX0='],
    ['%v{json}', '{"a":1}'],
    ['%n %% \\t\\x41\\\\', '7 % \tA\\'],
    ['ünï %k', 'ünï k'],
    ['', ''],
  ])('%j', (template, text) => {
    expect(format(template).toString()).toBe(text);
  });

  test('numbers as fixed-width integers', () => {
    expect(format('%o{big8}').toString('hex')).toBe('0000000100000001');
    expect(format('%p{big4}').toString('hex')).toBe('00000003');
    expect(format('%o{little8}').toString('hex')).toBe('0100000001000000');
    expect(format('%p{byte}').toString('hex')).toBe('03');
  });

  test('bytes pass through untouched', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const print = compileFormat('%v', { key: 'text', value: 'text' });
    expect(print({ ...record, value: bytes }, 1)).toEqual(bytes);
  });

  test('a value that is not of the encoding is shown as base64', () => {
    const print = compileFormat('%v{json}', { key: 'text', value: 'text' });
    expect(print({ ...record, value: Buffer.from('nope') }, 1).toString()).toBe('base64:bm9wZQ==');
  });

  test.each(['%', '%q', '%v{rot13}', '%v{hex', '%o{rfc}'])('%j is refused', (template) => {
    expect(() => format(template)).toThrow(/cannot be used/);
  });
});

describe('lines', () => {
  test('any bytes, any delimiter, any chunking: the same lines', async () => {
    const line = fc.uint8Array({ maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', ';;', '\0', 'abc'),
        fc.integer({ min: 1, max: 9 }),
        async (parts, delimiter, step) => {
          const end = Buffer.from(delimiter);
          const clean = parts.map(Buffer.from).filter((part) => {
            // What joins with its neighbours into a delimiter is another text.
            const around = Buffer.concat([part, end]);
            return part.indexOf(end) === -1 && around.indexOf(end) === part.length;
          });
          const text = Buffer.concat(clean.flatMap((part) => [part, end]));
          const chunks: Buffer[] = [];
          for (let at = 0; at < text.length; at += step) chunks.push(text.subarray(at, at + step));
          const read: Buffer[] = [];
          async function* input() {
            yield* chunks;
          }
          for await (const one of readLines(input(), end)) read.push(Buffer.from(one));
          expect(read).toEqual(clean);
        },
      ),
    );
  });

  test('a last line without its delimiter counts, an empty rest does not', async () => {
    async function* input() {
      yield Buffer.from('a\nb');
    }
    const read: string[] = [];
    for await (const one of readLines(input(), Buffer.from('\n'))) read.push(String(one));
    expect(read).toEqual(['a', 'b']);
  });

  test('escapes in delimiters', () => {
    expect(delimiterBytes('\\t', '-D')).toEqual(Buffer.from('\t'));
    expect(delimiterBytes('\\x1e', '-D')).toEqual(Buffer.from([0x1e]));
    expect(delimiterBytes('é', '-D')).toEqual(Buffer.from('é'));
    expect(() => delimiterBytes('', '-D')).toThrow(/-D/);
  });
});

describe('records as typed', () => {
  const form: LineForm = {
    keyDelimiter: Buffer.from(':'),
    key: null,
    keyEncoding: 'text',
    valueEncoding: 'text',
    headers: [],
    emptyIsNull: false,
    partition: null,
  };
  const ofLine = (text: string, more: Partial<LineForm> = {}) => {
    const { key, value } = recordOfLine(Buffer.from(text), { ...form, ...more });
    return [key === null ? null : String(key), value === null ? null : String(value)];
  };

  test('key and value are cut at the first delimiter', () => {
    expect(ofLine('k:v:w')).toEqual(['k', 'v:w']);
    expect(ofLine(':v')).toEqual(['', 'v']);
    expect(ofLine('no delimiter')).toEqual([null, 'no delimiter']);
    expect(ofLine('no delimiter', { key: 'fixed' })).toEqual(['fixed', 'no delimiter']);
    expect(ofLine('k:')).toEqual(['k', '']);
    expect(ofLine('k:', { emptyIsNull: true })).toEqual(['k', null]);
  });

  test.each(['', '=v'])('-H %j is refused', (text) => {
    expect(() => parseHeader(text)).toThrow(/-H/);
  });

  test.each([
    ['[]', /object/],
    ['{}', /without "value"/],
    ['{"value":"a","partition":-1}', /partition/],
    ['{"value":"a","timestamp":"soon"}', /timestamp/],
    ['{"value":"a","headers":5}', /headers/],
    ['{"value":"a","headers":[{}]}', /header/],
    ['{"value":"zz","valueEncoding":"hex"}', /hex/],
    ['{"value":"a","valueEncoding":"rot13"}', /no encoding/],
    ['{"value":', /not JSON/],
  ])('%s is refused', (text, words) => {
    expect(() => recordOfJson(Buffer.from(text), { ...form, keyDelimiter: null })).toThrow(words);
  });

  test('any bytes go into a JSON document and come back', () => {
    const encoding = fc.constantFrom('text', 'hex', 'base64', 'json', 'msgpack');
    fc.assert(
      fc.property(fc.option(fc.uint8Array()), encoding, (bytes, name) => {
        const before = bytes === null ? null : Buffer.from(bytes);
        const field = JSON.parse(JSON.stringify(toJsonField(before, name as 'text')));
        // JSON text is written anew (spaces, escapes), MessagePack too: only the value must stay.
        if (field.encoding === 'json' || field.encoding === 'msgpack') return;
        const after = fromJsonField(field.value, field.encoding);
        expect(after?.toString('hex')).toBe(before?.toString('hex'));
      }),
    );
  });

  test.each(['xyz', 'abc'])('%j is no hex', (text) => {
    expect(() => encodeText(text, 'hex')).toThrow(/is not hex/);
  });
});

describe('configs as typed', () => {
  test('units, operations and values with =', () => {
    expect(
      configPairs(
        ['retention.ms=7d', 'segment.bytes=64MiB', 'cleanup.policy+=compact', 'a-=b', 'x=y=z'],
        '--set',
      ).map(({ name, operation, value }) => [name, operation, value]),
    ).toEqual([
      ['retention.ms', 'set', '604800000'],
      ['segment.bytes', 'set', '67108864'],
      ['cleanup.policy', 'append', 'compact'],
      ['a', 'subtract', 'b'],
      ['x', 'set', 'y=z'],
    ]);
  });

  test('what has no unit is left to the broker, -1 among it', () => {
    const pairs = configPairs(['retention.ms=-1', 'retention.ms=9223372036854775807'], '--set');
    expect(pairs.map((one) => one.value)).toEqual(['-1', '9223372036854775807']);
    expect(configPairs(['retention.ms=soon'], '--set')[0]?.value).toBe('soon');
  });

  test.each(['novalue', '=x', ''])('%j is refused', (pair) => {
    expect(() => configPairs([pair], '--set')).toThrow(/--set/);
  });
});
