import { describe, expect, test } from 'vitest';
import { compileFilter, type PlacedRecord } from '../../../tools/replay/index.ts';

function record(value: unknown, more: Partial<PlacedRecord> = {}): PlacedRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    topic: 'orders',
    partition: 1,
    offset: 7,
    timestamp: 1_000,
    key: Buffer.from('user-1'),
    value: Buffer.from(text),
    headers: [{ key: 'region', value: Buffer.from('eu') }],
    ...more,
  };
}

const order = record({ total: 120, items: [{ sku: 'a b' }], error: null, tags: ['x', 'y'] });

describe('filters', () => {
  test.each([
    ['value.total > 100', true],
    ['value.total >= 120 && value.total < 120.5', true],
    ['value.total == "120"', false],
    ['value.items[0].sku == "a b"', true],
    ['value["items"][0]["sku"] == \'a b\'', true],
    ['value.items[5].sku == null', true],
    ['exists(value.error)', false],
    ['!exists(value.absent.deep)', true],
    ['header.region == "eu" && header["absent"] == null', true],
    ['key in ["user-1", "user-2"]', true],
    ['!(key in ["user-2"])', true],
    ['startsWith(key, "user-") && endsWith(key, "1")', true],
    ['contains(value.tags, "y") && !contains(value.tags, "z")', true],
    ['contains(lower("ABC"), "bc")', true],
    ['length(value.items) == 1 && length(key) == 6', true],
    ['number("12") == 12 && number("x") == null', true],
    ['topic == "orders" && partition == 1 && offset == 7 && timestamp == 1000', true],
    ['size > 6', true],
    ['value.total > 500 || key == "user-1"', true],
    ['value.total > 500 || value.total > 100 && false', false],
    ['value.total > "a"', false],
    ['"\\"" == \'"\'', true],
    ['value.__proto__ == null && value.constructor == null', true],
    ['timestamp >= "1970-01-01T00:00:01Z" && timestamp < "1970-01-02"', true],
    ['timestamp > "1970-01-01T00:00:01Z"', false],
    ['timestamp == "1000"', false],
    ['timestamp == "1970-01-01 00:00:01"', true],
  ])('%s is %s', (source, expected) => {
    expect(compileFilter(source)(order)).toBe(expected);
  });

  test.each([
    ['value.id == 9007199254740993', true],
    ['value.id == 9007199254740992', false],
    ['value.id != 9007199254740992', true],
    ['value.id > 9007199254740992 && value.id < 9007199254740994', true],
    ['value.id >= 1 && 1.5 < value.id && !(value.id < 5)', true],
    ['value.list[1] == -12345678901234567891 && value.id in [1, 9007199254740993]', true],
    ['number(value.text) == value.id && number("9007199254740992") != value.id', true],
    ['contains(value.list, 7) && contains(value.list, -12345678901234567891)', true],
    ['contains(value.list, -12345678901234567890)', false],
    ['value.list == value.list && value.list != value.other', true],
    ['value.text == "9007199254740993" && value.fraction < 0.13', true],
    ['contains(value.id, "740993")', true],
  ])('numbers of 64 bits are told apart: %s is %s', (source, expected) => {
    const ids = record(`{"id": 9007199254740993, "list": [7, -12345678901234567891],
      "other": [7, -12345678901234567890], "text": "9007199254740993", "fraction": 0.12345678901234567891}`);
    expect(compileFilter(source)(ids)).toBe(expected);
  });

  test('a value that is no JSON is text, a tombstone is null', () => {
    expect(compileFilter('contains(value, "plain")')(record('plain {'))).toBe(true);
    expect(compileFilter('value == null')(record('', { value: null, key: null }))).toBe(true);
    expect(compileFilter('key == null')(record('', { key: null }))).toBe(true);
  });

  test.each([
    ['value.total >', 'column 14'],
    ['value.', 'a name belongs after the dot'],
    ['vlaue == 1', "there is no field 'vlaue'"],
    ['match(key)', "there is no function 'match'"],
    ['exists(key, key)', 'exists takes 1, not 2'],
    ['key == "open', 'this text does not end'],
    ['key @ 1', "'@' has no meaning"],
    ['(key', "')' is missing here"],
    ['key == 1 2', "'2' was not expected here"],
    ['key = "a"', "'=' has no meaning; write =="],
    ['key == "a" and offset > 1', "'and' was not expected here; write &&"],
    ['key == "a" & offset > 1', "'&' has no meaning; write &&"],
    ['not key', "there is no field 'not', only key, value"],
    ['timestamp > "yesterday"', "'yesterday' is no time"],
    ['timestamp > "-2h"', "'-2h' is no time"],
    ['', 'the end was not expected here'],
    ['('.repeat(5000), 'too many brackets'],
    ['constructor == 1', "there is no field 'constructor'"],
    ['toString(key)', "there is no function 'toString'"],
  ])('%s is refused', (source, why) => {
    expect(() => compileFilter(source)).toThrow(why);
  });
});
