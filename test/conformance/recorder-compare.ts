// Compares two runs of the scenario, field by field, and holds the differences against the list of accepted ones.

import { ZERO_UUID } from '../../src/protocol/index.ts';
import type { Exchange } from './recorder.ts';
import type { Json } from './recorder-normalise.ts';

export interface Difference {
  readonly step: string;
  readonly api: string;
  readonly version: number;
  /** Such as `topics[orders].partitions[0].errorCode`; empty for the answer as a whole. */
  readonly path: string;
  readonly kafka: Json | undefined;
  readonly ours: Json | undefined;
}

/** A difference that is meant, in differences.json. Texts may use `*` for any run of characters. */
export interface Accepted {
  readonly step: string;
  /** `*`, one version, or a range such as `0-3`. */
  readonly versions: string;
  readonly path: string;
  /** Our value, when the entry is to hold for no other. */
  readonly ours?: Json;
  /** Why ours differs, in a line. */
  readonly why: string;
}

/** Fields by which the entries of a list are told apart, whatever their order. */
const keyFields = [
  'apiKey',
  'name',
  'topic',
  'topicName',
  'topicId',
  'resourceName',
  'partitionIndex',
  'partitionId',
  'partition',
  'index',
  'groupId',
  'key',
  'memberId',
  'nodeId',
  'brokerId',
  'producerId',
];

/** Explanations are each broker's own words: ours must have one where Kafka has one, and may have more. */
const proseFields = new Set(['errorMessage', 'documentation', 'batchIndexErrorMessage']);

export function compareRuns(kafka: readonly Exchange[], ours: readonly Exchange[]): Difference[] {
  const found = new Map(ours.map((one) => [placeOf(one), one]));
  return kafka.flatMap((expected) => {
    const { step, api, version } = expected;
    const actual = found.get(placeOf(expected));
    return [...differences(expected.response, actual?.response, '')].map((one) => ({
      step,
      api,
      version,
      ...one,
    }));
  });
}

function placeOf(exchange: Exchange): string {
  return `${exchange.step} v${exchange.version}`;
}

type Found = Pick<Difference, 'path' | 'kafka' | 'ours'>;

function* differences(
  kafka: Json | undefined,
  ours: Json | undefined,
  path: string,
): Generator<Found> {
  if (Array.isArray(kafka) && Array.isArray(ours)) {
    yield* listDifferences(kafka, ours, path);
  } else if (isObject(kafka) && isObject(ours)) {
    for (const name of new Set([...Object.keys(kafka), ...Object.keys(ours)])) {
      const inner = path === '' ? name : `${path}.${name}`;
      if (proseFields.has(name) && (!hasText(kafka[name]) || hasText(ours[name]))) continue;
      yield* differences(kafka[name], ours[name], inner);
    }
  } else if (JSON.stringify(kafka) !== JSON.stringify(ours)) {
    yield { path, kafka, ours };
  }
}

function* listDifferences(kafka: Json[], ours: Json[], path: string): Generator<Found> {
  const left = entriesOf(kafka);
  const right = entriesOf(ours);
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    yield* differences(left.get(key), right.get(key), `${path}[${key}]`);
  }
}

/** A list's entries under the values of their key fields, or under their places when they have none. */
function entriesOf(list: Json[]): Map<string, Json> {
  const entries = new Map<string, Json>();
  for (const [place, item] of list.entries()) {
    let key = String(place);
    if (isObject(item)) {
      const field = keyFields.find((name) => tellsApart(item[name]));
      if (field !== undefined) key = String(item[field]);
    }
    while (entries.has(key)) key += "'";
    entries.set(key, item);
  }
  return entries;
}

function hasText(value: Json | undefined): boolean {
  return typeof value === 'string' && value !== '';
}

function tellsApart(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== '' && value !== ZERO_UUID;
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface Verdict {
  /** Differences that no entry accepts. */
  readonly unlisted: readonly Difference[];
  /** Entries that accepted nothing: the difference is gone, so must be its entry. */
  readonly stale: readonly Accepted[];
}

export function judge(found: readonly Difference[], accepted: readonly Accepted[]): Verdict {
  const used = new Set<Accepted>();
  const unlisted = found.filter((difference) => {
    const matching = accepted.filter((entry) => accepts(entry, difference));
    for (const entry of matching) used.add(entry);
    return matching.length === 0;
  });
  return { unlisted, stale: accepted.filter((entry) => !used.has(entry)) };
}

function accepts(entry: Accepted, difference: Difference): boolean {
  return (
    matches(entry.step, difference.step) &&
    matches(entry.path, difference.path) &&
    versionIn(entry.versions, difference.version) &&
    (entry.ours === undefined || JSON.stringify(entry.ours) === JSON.stringify(difference.ours))
  );
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.[\]()+?^$|\\{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

function versionIn(range: string, version: number): boolean {
  if (range === '*') return true;
  const [first, last] = range.split('-').map(Number);
  return version >= (first ?? 0) && version <= (last ?? first ?? 0);
}

/** A difference as a line that can be copied into differences.json. */
export function describeDifference(difference: Difference): string {
  const { step, version, path, kafka, ours } = difference;
  const shown = (value: Json | undefined) => JSON.stringify(value)?.slice(0, 200);
  return `${step} v${version} ${path}: Kafka ${shown(kafka)}, ours ${shown(ours)}`;
}
