// Definitions of configs: what a name means, what values it takes, what stands when it is not set.
// One table serves the engine, DescribeConfigs, the command line and the documentation.

import { clip } from './clip.ts';
import { KafkaError } from './kafka-errors.ts';
import { STRING_BYTES_MAX, storable } from './storable.ts';

/**
 * Kafka's config types (org.apache.kafka.common.config.ConfigDef.Type), as DescribeConfigs names
 * them.
 */
export type ConfigType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password';

/** A converted value. Lists stay text, see {@link configList}. */
export type ConfigScalar = string | number | boolean | null;

/** Another name that gives this config its value when it is not set itself. */
export interface ConfigSynonym {
  readonly name: string;
  /** What one unit of the synonym is in units of the config: hours to milliseconds is 3,600,000. */
  readonly factor: number;
}

export interface ConfigDef {
  readonly name: string;
  readonly type: ConfigType;
  /** As it would be written by a user; null: not set. */
  readonly default: string | null;
  readonly doc: string;
  /** Smallest and largest number allowed, both inclusive. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Single numbers allowed besides the range. */
  readonly also?: readonly number[];
  /** The words allowed; for a list, in each place. */
  readonly values?: readonly string[];
  /** Says why a value is refused, null when it is not. For rules that a range cannot tell. */
  readonly refuse?: (value: ConfigScalar) => string | null;
  /** May be changed while the broker runs. */
  readonly dynamic: boolean;
  /**
   * `ignored`: Kafka's config that has no meaning in a single process, or none here yet; taken, shown, without effect.
   */
  readonly effect: 'live' | 'ignored';
  /** Never shown to anybody. */
  readonly sensitive: boolean;
  /** Left out of listings unless set. */
  readonly hidden: boolean;
  /** Broker configs that give the default of a topic's or group's config, the strongest first. */
  readonly synonyms: readonly ConfigSynonym[];
}

/** What is left out of a definition stands for: dynamic, live, shown, no synonyms. */
export type ConfigDefInput = Pick<ConfigDef, 'name' | 'type' | 'default' | 'doc'> &
  Partial<ConfigDef>;

/** A definition with everything in its place. */
export function defineConfig(input: ConfigDefInput): ConfigDef {
  return {
    dynamic: true,
    effect: 'live',
    sensitive: input.type === 'password',
    hidden: false,
    synonyms: [],
    ...input,
  };
}

/** All definitions of one kind of thing, by name, in the order of their names. */
export class ConfigTable {
  readonly kind: 'topic' | 'broker' | 'group';
  readonly #byName: ReadonlyMap<string, ConfigDef>;

  constructor(kind: ConfigTable['kind'], definitions: readonly ConfigDef[]) {
    this.kind = kind;
    const sorted = [...definitions].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#byName = new Map(sorted.map((definition) => [definition.name, definition]));
  }

  all(): IterableIterator<ConfigDef> {
    return this.#byName.values();
  }

  find(name: string): ConfigDef | undefined {
    return this.#byName.get(name);
  }

  /** Throws KafkaError `INVALID_CONFIG` for a name that is not in the table. */
  get(name: string): ConfigDef {
    const definition = this.#byName.get(name);
    if (definition === undefined) {
      throw new KafkaError('INVALID_CONFIG', `there is no ${this.kind} config "${name}"`);
    }
    return definition;
  }
}

/** Characters of a wrong value that an error repeats. */
const SHOWN_MAX = 100;

const integerBounds = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

/**
 * Checks a value as a user wrote it and converts it; null stands for "not set" and is always good.
 * Whole numbers beyond the safe integers become the nearest safe one:
 * `retention.ms=9223372036854775807` means 285,000 years either way, and what was written is what
 * is shown. Throws KafkaError `INVALID_CONFIG` that names the config, the value and what is
 * allowed.
 */
export function parseConfig(definition: ConfigDef, text: string | null): ConfigScalar {
  if (text === null) return null;
  // A longer value could not be told to anybody.
  if (!storable(text)) throw badValue(definition, text, `at most ${STRING_BYTES_MAX} bytes`);
  const value = convert(definition, text);
  const why = refusal(definition, value);
  if (why !== null) throw badValue(definition, text, why);
  return value;
}

function convert(definition: ConfigDef, text: string): ConfigScalar {
  const trimmed = text.trim();
  switch (definition.type) {
    case 'boolean': {
      const lower = trimmed.toLowerCase();
      if (lower !== 'true' && lower !== 'false') throw badValue(definition, text, 'true or false');
      return lower === 'true';
    }
    case 'int':
    case 'short':
    case 'long':
      return convertInteger(definition, definition.type, trimmed);
    case 'double': {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) {
        throw badValue(definition, text, 'a number');
      }
      return Number(trimmed);
    }
    case 'list':
      return configList(trimmed).join(',');
    case 'string':
    case 'class':
      return trimmed;
    case 'password':
      return text;
  }
}

function convertInteger(
  definition: ConfigDef,
  type: keyof typeof integerBounds,
  text: string,
): number {
  const [low, high] = integerBounds[type];
  // More than 20 characters are out of range without asking what they spell.
  const exact = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text.replace('+', '')) : null;
  if (exact === null || exact < low || exact > high) {
    throw badValue(definition, text, `a whole number from ${low} to ${high}`);
  }
  const value = Number(exact);
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function refusal(definition: ConfigDef, value: ConfigScalar): string | null {
  const { minimum, maximum, also, values } = definition;
  if (typeof value === 'number' && !(also?.includes(value) ?? false)) {
    const low = minimum ?? Number.NEGATIVE_INFINITY;
    const high = maximum ?? Number.POSITIVE_INFINITY;
    if (value < low || value > high) return `${rangeText(low, high)}${alsoText(also)}`;
  }
  if (values !== undefined && typeof value === 'string') {
    const words = definition.type === 'list' ? configList(value) : [value];
    if (words.some((word) => !values.includes(word))) return `one of ${values.join(', ')}`;
  }
  return definition.refuse?.(value) ?? null;
}

function rangeText(low: number, high: number): string {
  if (high === Number.POSITIVE_INFINITY) return `${low} or more`;
  return low === Number.NEGATIVE_INFINITY ? `${high} or less` : `from ${low} to ${high}`;
}

function alsoText(also: readonly number[] | undefined): string {
  return also === undefined ? '' : `, or ${also.join(', ')}`;
}

function badValue(definition: ConfigDef, text: string, allowed: string): KafkaError {
  const shown = definition.sensitive ? 'this value' : `"${clip(text, SHOWN_MAX)}"`;
  const message = `${shown} is not allowed for config ${definition.name}: it takes ${allowed}`;
  return new KafkaError('INVALID_CONFIG', message);
}

/** The items of a list config, trimmed, each once, in order; none for an empty text. */
export function configList(text: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  return [...new Set(items.filter((item) => item !== ''))];
}
