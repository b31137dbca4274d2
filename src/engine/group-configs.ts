// Configs that single groups have set for themselves. Their coordinator asks for them at each use, so a change counts
// for a running group at once.
// Source of the rules and of the texts: org.apache.kafka.coordinator.group.GroupConfig (4.3).

import { boundsOf, groupConfigs } from '../base/configs/group-configs.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import { storable } from '../base/storable.ts';
import type { Catalogue } from './catalogue.ts';
import { applyConfigChanges, checkChanged } from './config-changes.ts';
import type { ConfigStore } from './config-store.ts';
import type { ConfigChange, ConfigValue } from './contract.ts';

type Configs = ReadonlyMap<string, string>;

const none: Configs = new Map();
const SESSION = 'consumer.session.timeout.ms';
const HEARTBEAT = 'consumer.heartbeat.interval.ms';

/**
 * Throws INVALID_CONFIG where what stands for all groups is outside of its bounds, as Kafka's
 * GroupCoordinatorConfig does.
 */
export function checkForAllGroups(store: ConfigStore): void {
  const number = (name: string): number => store.brokerNumber(`group.${name}`);
  for (const { name } of groupConfigs.all()) checkBounds(store, name, number(name), 'group.');
  checkSession(number, 'group.');
}

export class GroupConfigs {
  readonly #catalogue: Catalogue;
  readonly #store: ConfigStore;

  constructor(catalogue: Catalogue, store: ConfigStore) {
    this.#catalogue = catalogue;
    this.#store = store;
  }

  get groups(): readonly string[] {
    return [...this.#catalogue.state.groupConfigs.keys()];
  }

  /** Every config of a group, as DescribeConfigs tells it. Throws INVALID_REQUEST without a group. */
  values(group: string): readonly ConfigValue[] {
    if (group === '') throw new KafkaError('INVALID_REQUEST', 'Group name must not be empty');
    return this.#store.groupValues(this.#of(group));
  }

  /** To be called one at a time. Throws INVALID_CONFIG, or INVALID_REQUEST for what is no name of a group. */
  async alter(
    group: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    if (group === '') {
      throw new KafkaError('INVALID_REQUEST', 'Default group resources are not allowed.');
    }
    // Nobody could be told which groups have configs.
    if (!storable(group)) throw new KafkaError('INVALID_REQUEST', 'the group name is too long');
    const before = this.#of(group);
    const configs = applyConfigChanges(groupConfigs, before, changes, () => '');
    checkChanged(groupConfigs, changes, configs);
    this.#check(changes, configs);
    if (validateOnly || (configs.size === 0 && before.size === 0)) return;
    const record = { kind: 'group-configs', group, configs: Object.fromEntries(configs) } as const;
    await this.#catalogue.commit(record);
  }

  /** The value that counts: bounds may have changed since it was set. Null when the group has none of its own. */
  effective(group: string, name: string): number | null {
    const configs = this.#of(group);
    if (!configs.has(name)) return null;
    const { least, most } = bounds(this.#store, name);
    return Math.max(least, Math.min(most, this.#store.groupNumber(configs, name)));
  }

  #of(group: string): Configs {
    return this.#catalogue.state.groupConfigs.get(group) ?? none;
  }

  #check(changes: readonly ConfigChange[], configs: Configs): void {
    const number = (name: string): number => this.#store.groupNumber(configs, name);
    for (const { name } of changes) {
      if (configs.has(name)) checkBounds(this.#store, name, number(name), '');
    }
    if (configs.has(SESSION) || configs.has(HEARTBEAT)) checkSession(number, '');
  }
}

function bounds(store: ConfigStore, name: string) {
  const { minimum, maximum } = boundsOf(name);
  const [least, most] = [store.brokerNumber(minimum), store.brokerNumber(maximum)];
  return { minimum, maximum, least, most };
}

function checkBounds(store: ConfigStore, name: string, value: number, prefix: string): void {
  const { minimum, maximum, least, most } = bounds(store, name);
  const whose = `${prefix}${name}`;
  if (value < least) throw invalid(`${whose} must be greater than or equal to ${minimum}`);
  if (value > most) throw invalid(`${whose} must be less than or equal to ${maximum}`);
}

function checkSession(number: (name: string) => number, prefix: string): void {
  if (number(SESSION) > number(HEARTBEAT)) return;
  throw invalid(`${prefix}${SESSION} must be greater than ${prefix}${HEARTBEAT}`);
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message);
}
