// Our schemas beside Kafka's own definitions: the same fields in the same order, with the same
// type, versions, nullability, default, tag and ignorability, in every version. The facts are a
// fixture; with KAFKA_LIBS set to a folder with Kafka's jars the fixture itself is checked (and
// made by tools/dev/extract-definitions.ts).

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as protocol from '../../src/protocol/index.ts';
import { apis, coordinatorRecordTypes, type Message, NEVER } from '../../src/protocol/index.ts';
import {
  metadataRecords,
  otherGroupRecords,
  raftControlRecords,
  remoteLogRecords,
  shareStateRecords,
} from '../../src/protocol/log-records/index.ts';
import type { Field, Fields } from '../../src/protocol/schema/field.ts';
import { fallbackOf, isNullable, isPresent } from '../../src/protocol/schema/layout.ts';
import {
  type Definitions,
  extractDefinitions,
  type FieldFacts,
  formatDefinitions,
  type MessageFacts,
} from '../../tools/dev/extract-definitions.ts';

const fixture = new URL('./fixtures/definitions.json', import.meta.url);
const text = readFileSync(fixture, 'utf8');
const definitions = JSON.parse(text) as Definitions;

const pairs = [...shareStateRecords, ...otherGroupRecords];
const messages = [
  ...(Object.values(protocol) as unknown[]),
  ...metadataRecords.values(),
  ...raftControlRecords.values(),
  ...remoteLogRecords.values(),
  ...pairs.flatMap(([, pair]) => pair),
].filter(
  (value): value is Message =>
    typeof value === 'object' && value !== null && 'fields' in value && 'decode' in value,
);

/**
 * Broker APIs of Kafka 4.3 that we have no messages for: delegation tokens, changes of the quorum
 * and of features, share groups and streams groups.
 */
const leftOut = [
  38, 39, 40, 41, 57, 64, 76, 77, 78, 79, 80, 81, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92,
];

function range(versions: string): [number, number] {
  if (versions === 'none') return [NEVER, NEVER];
  const [low, high] = versions.replace('+', `-${NEVER}`).split('-').map(Number);
  return [low!, high ?? low!];
}

const within = (version: number, versions: string) => {
  const [low, high] = range(versions);
  return version >= low && version <= high;
};

/** Everything that matters of one field in one version, as one line. */
interface Line {
  readonly path: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly fallback: unknown;
  readonly ignorable: boolean;
  readonly tag: number;
  readonly plainLength: boolean;
}

function theirLines(fields: readonly FieldFacts[], version: number, path: string): Line[] {
  const lines: Line[] = [];
  for (const f of fields) {
    if (!within(version, f.versions)) continue;
    const own = `${path}/${f.name}`;
    lines.push({
      path: own,
      type: f.type,
      nullable: f.nullable !== undefined && within(version, f.nullable),
      fallback: theirFallback(f),
      ignorable: f.ignorable ?? false,
      tag: f.tag ?? -1,
      plainLength: f.flexible === 'none',
    });
    lines.push(...theirLines(f.fields ?? [], version, own));
  }
  return lines;
}

function theirFallback(f: FieldFacts): unknown {
  if (f.default === 'null') return null;
  if (f.type.startsWith('[]')) return [];
  if (f.type === 'struct') return 'struct';
  if (f.type === 'records') return null;
  if (f.type === 'bytes') return Buffer.alloc(0);
  if (f.type === 'string') return f.default ?? '';
  if (f.type === 'bool') return (f.default ?? 'false').toLowerCase() === 'true';
  if (f.type === 'uuid') return protocol.ZERO_UUID;
  const value = Number(f.default ?? 0);
  return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER;
}

function ourLines(fields: Fields, version: number, path: string): Line[] {
  const lines: Line[] = [];
  for (const [name, f] of Object.entries(fields)) {
    if (!isPresent(f, version)) continue;
    const own = `${path}/${name}`;
    const struct = f.kind === 'struct' && f.fallback === undefined;
    lines.push({
      path: own,
      type: ourType(f),
      nullable: isNullable(f, version),
      fallback: struct ? 'struct' : fallbackOf(f),
      ignorable: f.ignorable,
      tag: f.tag,
      plainLength: f.plainLength,
    });
    lines.push(...ourLines(f.of ?? {}, version, own));
  }
  return lines;
}

const ourType = (f: Field) => (f.kind === 'array' ? `[]${f.item ?? 'struct'}` : f.kind);

function expectSame(message: Message, facts: MessageFacts): void {
  const [lowest, newest] = range(facts.versions);
  // Only requests say that their newest version is not released; the response goes with the
  // request.
  const request = definitions[message.name.replace(/Response$/, 'Request')];
  expect(message.versions).toEqual([lowest, request?.unstable ? newest - 1 : newest]);
  expect(message.flexible).toBe(range(facts.flexible)[0]);
  for (let version = message.versions[0]; version <= message.versions[1]; version++) {
    const ours = ourLines(message.fields, version, `v${version}`);
    expect(ours).toEqual(theirLines(facts.fields, version, `v${version}`));
  }
}

test.each(messages.map((message) => [message.name, message] as const))(
  '%s is as Kafka defines it',
  (name, message) => {
    expect(definitions[name], `Kafka has no ${name}`).toBeDefined();
    expectSame(message, definitions[name]!);
  },
);

describe('the tables', () => {
  test('every API has its own name, key and messages', () => {
    for (const [name, api] of Object.entries(apis)) {
      expect(api.name).toBe(name);
      expect(api.request.name).toBe(`${name}Request`);
      expect(api.response.name).toBe(`${name}Response`);
      expect(definitions[api.request.name]?.key).toBe(api.key);
      expect(definitions[api.response.name]?.key).toBe(api.key);
      expect(api.response.versions).toEqual(api.request.versions);
      expect(api.response.flexible).toBe(api.request.flexible);
      expect(protocol.apiByKey(api.key)).toBe(api);
    }
  });

  test('all broker APIs of Kafka are there, or known to be left out', () => {
    const theirs = Object.values(definitions)
      .filter((facts) => facts.type === 'request' && facts.listeners?.includes('broker'))
      .map((facts) => facts.key!);
    const ours = Object.values(apis).map((api): number => api.key);
    expect([...ours, ...leftOut].sort((a, b) => a - b)).toEqual(theirs.sort((a, b) => a - b));
  });

  test('every record type has its number and schemas', () => {
    for (const [name, entry] of Object.entries(coordinatorRecordTypes)) {
      expect(entry.key.name).toBe(`${name}Key`);
      expect(entry.value.name).toBe(`${name}Value`);
      expect(definitions[entry.key.name]?.key).toBe(entry.type);
      expect(definitions[entry.value.name]?.key).toBe(entry.type);
    }
  });

  test('records of the metadata and of other groups have their numbers, and none is missing', () => {
    const theirs = Object.entries(definitions).filter(([, facts]) => facts.type === 'metadata');
    const ours = [...metadataRecords, ...remoteLogRecords].map(([key, { name }]) => [name, key]);
    expect(ours.sort()).toEqual(theirs.map(([name, facts]) => [name, facts.key]).sort());
    const values = Object.entries(definitions).filter(
      ([, { type }]) => type === 'coordinator-value',
    );
    const groups = values.filter(([name]) => /^(Share|Streams)/.test(name)).map(([name]) => name);
    expect(pairs.map(([, [, { name }]]) => name).sort()).toEqual(groups);
    for (const [type, [key, value]] of pairs) {
      expect(value.name).toBe(key.name.replace(/Key$/, 'Value'));
      expect(definitions[key.name]?.key).toBe(type);
      expect(definitions[value.name]?.key).toBe(type);
    }
  });

  test('a difference would be noticed', () => {
    const facts = definitions['HeartbeatRequest']!;
    const [first, second, ...rest] = facts.fields;
    const wrong = [
      [second!, first!, ...rest],
      [{ ...first!, nullable: '0+' }, second!, ...rest],
      [{ ...first!, versions: '1+' }, second!, ...rest],
      [{ ...first!, default: 'x' }, second!, ...rest],
      [{ ...first!, type: 'bytes' }, second!, ...rest],
      [{ ...first!, ignorable: true }, second!, ...rest],
      [{ ...first!, tag: 0 }, second!, ...rest],
      [first!, second!],
    ] as FieldFacts[][];
    expectSame(protocol.HeartbeatRequest, facts);
    for (const fields of wrong) {
      expect(() => expectSame(protocol.HeartbeatRequest, { ...facts, fields })).toThrow();
    }
  });
});

const libs = process.env.KAFKA_LIBS;
test.skipIf(libs === undefined)('the table of facts is what the jars say', () => {
  expect(formatDefinitions(extractDefinitions(libs!))).toBe(text);
});
