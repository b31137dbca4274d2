// Values of configs and where they come from. For a topic's or group's config: its own value, else the
// broker config that stands for it (changed at run time, else given at the start), else the
// default.

import {
  type ConfigDef,
  type ConfigScalar,
  type ConfigTable,
  parseConfig,
} from '../base/config-def.ts';
import { brokerConfigs } from '../base/configs/broker-configs.ts';
import { groupConfigs } from '../base/configs/group-configs.ts';
import { topicConfigs } from '../base/configs/topic-configs.ts';
import { assert } from '../base/errors.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { ConfigValue } from './contract.ts';

type Synonym = ConfigValue['synonyms'][number];

const none: ReadonlyMap<string, string> = new Map();

/** Throws KafkaError `INVALID_CONFIG` when a topic cannot have these configs. */
export function checkTopicConfigs(configs: ReadonlyMap<string, string>): void {
  for (const [name, text] of configs) parseConfig(topicConfigs.get(name), text);
}

/** Broker configs in all their layers, and topic configs on top of them. */
export class ConfigStore {
  readonly #static: ReadonlyMap<string, string>;
  /** Stands above what was given at the start. */
  #settled = new Map<string, string>();
  #dynamic: ReadonlyMap<string, string> = new Map();
  readonly #parsed = new Map<string, ConfigScalar>();
  /** What is told of a topic's or group's config that is not set: of most there are. */
  readonly #unset = new Map<ConfigDef, ConfigValue>();

  /**
   * `overrides`: what was given at the start. Unknown names stay out and are told to `onUnknown`.
   * Throws KafkaError `INVALID_CONFIG` for a value that is not allowed.
   */
  constructor(overrides: ReadonlyMap<string, string>, onUnknown: (name: string) => void) {
    const known = new Map<string, string>();
    for (const [name, text] of overrides) {
      const definition = brokerConfigs.find(name);
      if (definition === undefined) {
        onUnknown(name);
        continue;
      }
      parseConfig(definition, text);
      known.set(name, text);
    }
    this.#static = known;
  }

  /** Broker configs changed at run time. */
  get dynamic(): ReadonlyMap<string, string> {
    return this.#dynamic;
  }

  /** Takes a value that was settled since for one that was given at the start; null: as it was given. */
  settle(name: string, value: string | null): void {
    if (value === null) this.#settled.delete(name);
    else this.#settled.set(name, value);
    this.#brokerChanged();
  }

  /** Replaces the configs changed at run time. */
  setDynamic(configs: ReadonlyMap<string, string>): void {
    this.#dynamic = configs;
    this.#brokerChanged();
  }

  #brokerChanged(): void {
    this.#parsed.clear();
    this.#unset.clear();
  }

  /** The same broker with other configs changed at run time. */
  with(dynamic: ReadonlyMap<string, string>): ConfigStore {
    const other = new ConfigStore(this.#static, () => {});
    other.#settled = this.#settled;
    other.setDynamic(dynamic);
    return other;
  }

  /** A broker config's value, converted. The name must be in the table. */
  broker(name: string): ConfigScalar {
    const cached = this.#parsed.get(name);
    if (cached !== undefined) return cached;
    const definition = brokerConfigs.get(name);
    const value = parseConfig(definition, this.#brokerLayers(name)[0]?.value ?? null);
    this.#parsed.set(name, value);
    return value;
  }

  brokerNumber(name: string): number {
    const value = this.broker(name);
    assert(typeof value === 'number', `broker config ${name} is a number`);
    return value;
  }

  /** Every broker config, as DescribeConfigs tells it. */
  brokerValues(): readonly ConfigValue[] {
    return valuesOf(brokerConfigs, this.#dynamic, (definition) =>
      this.#brokerLayers(definition.name),
    );
  }

  /** A topic config's value, converted, for a topic with `configs` set on it. */
  topic(configs: ReadonlyMap<string, string>, name: string): ConfigScalar {
    const definition = topicConfigs.get(name);
    return parseConfig(definition, this.#layers(definition, 'topic', configs).value);
  }

  topicNumber(configs: ReadonlyMap<string, string>, name: string): number {
    const value = this.topic(configs, name);
    assert(typeof value === 'number', `topic config ${name} is a number`);
    return value;
  }

  topicText(configs: ReadonlyMap<string, string>, name: string): string {
    return String(this.topic(configs, name) ?? '');
  }

  /** Every config of a topic, as DescribeConfigs tells it. */
  topicValues(configs: ReadonlyMap<string, string>): readonly ConfigValue[] {
    return this.#values(topicConfigs, 'topic', configs);
  }

  /** Every config of a group, as DescribeConfigs tells it. */
  groupValues(configs: ReadonlyMap<string, string>): readonly ConfigValue[] {
    return this.#values(groupConfigs, 'group', configs);
  }

  /** A group config's value, its own or the one of all groups. */
  groupNumber(configs: ReadonlyMap<string, string>, name: string): number {
    const definition = groupConfigs.get(name);
    const value = parseConfig(definition, this.#layers(definition, 'group', configs).value);
    assert(typeof value === 'number', `group config ${name} is a number`);
    return value;
  }

  #values(
    table: ConfigTable,
    own: 'topic' | 'group',
    configs: ReadonlyMap<string, string>,
  ): readonly ConfigValue[] {
    const values: ConfigValue[] = [];
    for (const definition of table.all()) {
      if (configs.has(definition.name)) values.push(this.#told(definition, own, configs));
      else if (!definition.hidden) values.push(this.#toldUnset(definition, own));
    }
    return values;
  }

  #told(
    definition: ConfigDef,
    own: 'topic' | 'group',
    configs: ReadonlyMap<string, string>,
  ): ConfigValue {
    const { value, layers } = this.#layers(definition, own, configs);
    return describe(definition, value, layers, false);
  }

  #toldUnset(definition: ConfigDef, own: 'topic' | 'group'): ConfigValue {
    const known = this.#unset.get(definition);
    if (known !== undefined) return known;
    const told = this.#told(definition, own, none);
    this.#unset.set(definition, told);
    return told;
  }

  #brokerLayers(name: string): Synonym[] {
    const layers: Synonym[] = [];
    const dynamic = this.#dynamic.get(name);
    if (dynamic !== undefined) layers.push({ name, value: dynamic, source: 'dynamic-broker' });
    const fixed = this.#settled.get(name) ?? this.#static.get(name);
    if (fixed !== undefined) layers.push({ name, value: fixed, source: 'static-broker' });
    const standard = brokerConfigs.find(name)?.default ?? null;
    if (standard !== null) layers.push({ name, value: standard, source: 'default' });
    return layers;
  }

  /**
   * The value in units of the topic's or group's config, and the layers in their own names and units. A value of its
   * own that another build stored and that says nothing here counts as not set (unusable-configs.ts).
   */
  #layers(
    definition: ConfigDef,
    source: 'topic' | 'group',
    configs: ReadonlyMap<string, string>,
  ): { value: string | null; layers: Synonym[] } {
    const layers: Synonym[] = [];
    const set = configs.get(definition.name);
    const own = set !== undefined && isUsable(definition, set) ? set : undefined;
    let value = own ?? null;
    if (own !== undefined) layers.push({ name: definition.name, value: own, source });
    for (const [place, synonym] of definition.synonyms.entries()) {
      for (const layer of this.#brokerLayers(synonym.name)) {
        value ??= scaled(layer.value, synonym.factor);
        // Kafka shows the default of the strongest synonym alone, though weaker ones count.
        if (place === 0 || layer.source !== 'default') layers.push(layer);
      }
    }
    if (value === null && definition.default !== null) {
      value = definition.default;
      layers.push({ name: definition.name, value, source: 'default' });
    }
    return { value, layers };
  }
}

function isUsable(definition: ConfigDef, text: string): boolean {
  try {
    parseConfig(definition, text);
    return true;
  } catch (error) {
    if (error instanceof KafkaError) return false;
    throw error;
  }
}

/** A value in other units; a negative one means "no limit" in all units. */
function scaled(text: string | null, factor: number): string | null {
  if (text === null || factor === 1) return text;
  const value = Number(text.trim());
  return String(value < 0 ? -1 : value * factor);
}

function valuesOf(
  table: ConfigTable,
  set: ReadonlyMap<string, string>,
  layersOf: (definition: ConfigDef) => Synonym[],
): readonly ConfigValue[] {
  const values: ConfigValue[] = [];
  for (const definition of table.all()) {
    if (definition.hidden && !set.has(definition.name)) continue;
    const layers = layersOf(definition);
    values.push(describe(definition, layers[0]?.value ?? null, layers, !definition.dynamic));
  }
  return values;
}

function describe(
  definition: ConfigDef,
  value: string | null,
  layers: readonly Synonym[],
  readOnly: boolean,
): ConfigValue {
  const hide = definition.sensitive;
  return {
    name: definition.name,
    value: hide ? null : value,
    source: layers[0]?.source ?? 'default',
    readOnly,
    sensitive: hide,
    type: definition.type,
    documentation: definition.doc,
    synonyms: hide ? layers.map((layer) => ({ ...layer, value: null })) : layers,
  };
}

/** Throws KafkaError `INVALID_CONFIG` when configs that are good alone contradict each other. */
export function checkTogether(store: ConfigStore, configs: ReadonlyMap<string, string>): void {
  const low = store.topicNumber(configs, 'min.compaction.lag.ms');
  const high = store.topicNumber(configs, 'max.compaction.lag.ms');
  if (low > high) {
    const message = `min.compaction.lag.ms (${low}) is above max.compaction.lag.ms (${high})`;
    throw new KafkaError('INVALID_CONFIG', message);
  }
}
