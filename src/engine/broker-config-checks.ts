// Whether broker configs can stand: each alone, together, and as what topics and groups take for their own. What cannot
// is refused before it is stored: every start would fail by it.

import { parseConfig } from '../base/config-def.ts';
import { brokerConfigs } from '../base/configs/broker-configs.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { Logger } from '../base/ports.ts';
import type { ConfigStore } from './config-store.ts';
import { checkForAllGroups } from './group-configs.ts';
import { topicSettings } from './topic-settings.ts';

type Configs = ReadonlyMap<string, string>;

const none: Configs = new Map();

/** Throws INVALID_CONFIG unless topics and groups can live with the broker's configs. */
export function checkStanding(store: ConfigStore): void {
  checkForAllGroups(store);
  topicSettings(store, none);
}

/** Whether `configs` may be those changed at run time. Throws INVALID_REQUEST, as Kafka does for brokers. */
export function checkChanges(
  store: ConfigStore,
  changed: readonly { readonly name: string }[],
  configs: Configs,
): void {
  for (const { name } of changed) {
    if (brokerConfigs.get(name).dynamic) continue;
    const message = `broker config ${name} can only be set at the start`;
    throw new KafkaError('INVALID_REQUEST', message);
  }
  try {
    for (const { name } of changed) parseConfig(brokerConfigs.get(name), configs.get(name) ?? null);
    checkStanding(store.with(configs));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new KafkaError('INVALID_REQUEST', error.message, { cause: error });
  }
}

/** What can stand of the configs that an earlier run stored; what cannot, since bounds are others now, is told. */
export function standing(store: ConfigStore, stored: Configs, logger: Logger): Configs {
  const kept = new Map<string, string>();
  for (const [name, value] of stored) {
    try {
      const definition = brokerConfigs.find(name);
      if (definition !== undefined) parseConfig(definition, value);
      checkStanding(store.with(new Map([...kept, [name, value]])));
      kept.set(name, value);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const fields = { config: name, value, reason: error.message };
      logger.error(fields, `a stored broker config is not used: ${error.message}`);
    }
  }
  return kept;
}
