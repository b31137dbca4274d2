// Derives the table of facts that test/conformance/definitions.test.ts compares our schemas with,
// from the message definitions inside Kafka's jars. After `npm run build`:
//
//   node dist/tools/dev/extract-definitions.js <folder with Kafka's jars>
//   test/conformance/fixtures/definitions.json

import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * One field. Versions are as Kafka writes them: `3`, `3-5` or `3+`. Structs of other places are
 * filled in.
 */
export interface FieldFacts {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullable?: string;
  readonly default?: string;
  readonly ignorable?: true;
  readonly tag?: number;
  /** `none` for the one field that keeps its plain length in flexible versions. */
  readonly flexible?: string;
  readonly fields?: readonly FieldFacts[];
}

export interface MessageFacts {
  readonly type: string;
  readonly key?: number;
  readonly versions: string;
  readonly flexible: string;
  /** The newest version is not released yet. */
  readonly unstable?: true;
  readonly listeners?: readonly string[];
  readonly fields: readonly FieldFacts[];
}

export type Definitions = Readonly<Record<string, MessageFacts>>;

/** A definition as it lies in the jar, as far as we read it. */
interface RawField {
  readonly name: string;
  readonly type: string;
  readonly versions?: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly default?: unknown;
  readonly ignorable?: boolean;
  readonly tag?: number;
  readonly fields?: readonly RawField[];
}

interface RawMessage {
  readonly name: string;
  readonly type: string;
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions?: string;
  readonly latestVersionUnstable?: boolean;
  readonly listeners?: readonly string[];
  readonly fields?: readonly RawField[];
  readonly commonStructs?: readonly RawField[];
}

const jars = [
  'kafka-clients',
  'kafka-group-coordinator',
  'kafka-metadata',
  'kafka-share-coordinator',
  'kafka-storage',
  'kafka-transaction-coordinator',
];

/** Reads the definitions of all messages in the jars of that folder. Needs `unzip`. */
export function extractDefinitions(libs: string): Definitions {
  const files = readdirSync(libs);
  const found = new Map<string, MessageFacts>();
  for (const jar of jars) {
    const file = files.find((name) => new RegExp(`^${jar}-\\d.*\\.jar$`).test(name));
    if (file === undefined) throw new Error(`no ${jar} jar in ${libs}`);
    // Messages lie in common/message, records of the cluster's metadata in common/metadata; those of storage beside.
    const where = jar === 'kafka-storage' ? 'message/*.json' : 'common/*.json';
    const text = execFileSync('unzip', ['-p', join(libs, file), where], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const raw of parseAll(text)) {
      if (raw.validVersions !== 'none') found.set(raw.name, factsOf(raw));
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The files come one behind the other, with comments; each ends in a brace of its own. */
function parseAll(text: string): RawMessage[] {
  const plain = text.replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g,
    (_, quoted?: string) => quoted ?? '',
  );
  return plain
    .split(/^\}\s*$/m)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(`${part}}`) as RawMessage);
}

function factsOf(raw: RawMessage): MessageFacts {
  const common = new Map(
    (raw.commonStructs ?? []).map((entry) => [entry.name, entry.fields ?? []]),
  );
  return {
    type: raw.type,
    ...(raw.apiKey === undefined ? {} : { key: raw.apiKey }),
    versions: raw.validVersions,
    flexible: raw.flexibleVersions ?? 'none',
    ...(raw.latestVersionUnstable === true ? { unstable: true } : {}),
    ...(raw.listeners === undefined ? {} : { listeners: raw.listeners }),
    fields: (raw.fields ?? []).map((field) => fieldFacts(field, common)),
  };
}

function fieldFacts(raw: RawField, common: Map<string, readonly RawField[]>): FieldFacts {
  const of = raw.fields ?? common.get(raw.type.replace('[]', ''));
  return {
    name: raw.name.charAt(0).toLowerCase() + raw.name.slice(1),
    type: of === undefined ? raw.type : raw.type.replace(/\w+/, 'struct'),
    versions: raw.versions ?? raw.taggedVersions ?? 'none',
    ...(raw.nullableVersions === undefined ? {} : { nullable: raw.nullableVersions }),
    // A default of JSON null counts as none; null as a default is the string "null".
    ...(raw.default == null ? {} : { default: String(raw.default) }),
    ...(raw.ignorable === true ? { ignorable: true } : {}),
    ...(raw.tag === undefined ? {} : { tag: raw.tag }),
    ...(raw.flexibleVersions === undefined ? {} : { flexible: raw.flexibleVersions }),
    ...(of === undefined ? {} : { fields: of.map((field) => fieldFacts(field, common)) }),
  };
}

/** One message a line, so that a diff shows which changed. */
export function formatDefinitions(definitions: Definitions): string {
  const lines = Object.entries(definitions).map(
    ([name, facts]) => `${JSON.stringify(name)}: ${JSON.stringify(facts)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

const [, script, libs, target] = process.argv;
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  if (libs === undefined || target === undefined) {
    throw new Error('usage: extract-definitions <folder with jars> <target file>');
  }
  writeFileSync(target, formatDefinitions(extractDefinitions(libs)));
}
