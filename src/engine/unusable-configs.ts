// Configs that another build stored for a topic or a group and that say nothing here. They stay in the catalogue, for
// the build that knows them; what stands otherwise is in use (config-store.ts), and each start tells so.

import { type ConfigTable, parseConfig } from '../base/config-def.ts';
import { groupConfigs } from '../base/configs/group-configs.ts';
import { topicConfigs } from '../base/configs/topic-configs.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { Logger } from '../base/ports.ts';
import type { CatalogueState } from './catalogue-state.ts';
import type { ConfigStore } from './config-store.ts';
import type { ConfigValue } from './contract.ts';

type Configs = ReadonlyMap<string, string>;

/** Warns of every stored config that is not in use. */
export function reportUnusable(
  store: ConfigStore,
  { topics, groupConfigs: groups }: CatalogueState,
  logger: Logger,
): void {
  for (const { name: topic, configs } of topics.values()) {
    const values = () => store.topicValues(configs);
    for (const found of unusable(topicConfigs, configs, values)) {
      logger.warn({ topic, ...found }, `topic ${topic}: ${words(found)}`);
    }
  }
  for (const [group, configs] of groups) {
    const values = () => store.groupValues(configs);
    for (const found of unusable(groupConfigs, configs, values)) {
      logger.warn({ group, ...found }, `group ${group}: ${words(found)}`);
    }
  }
}

interface Unusable {
  readonly config: string;
  readonly value: string;
  readonly reason: string;
  /** What stands in its place; null where there is no such config. */
  readonly inUse: string | null;
}

function unusable(
  table: ConfigTable,
  configs: Configs,
  valuesOf: () => readonly ConfigValue[],
): Unusable[] {
  const found: Unusable[] = [];
  for (const [config, value] of configs) {
    try {
      parseConfig(table.get(config), value);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const inUse = valuesOf().find(({ name }) => name === config)?.value ?? null;
      found.push({ config, value, reason: error.message, inUse });
    }
  }
  return found;
}

function words({ config, reason, inUse }: Unusable): string {
  const instead = inUse === null ? '' : `, ${inUse} is in use`;
  return `its stored ${config} is not used${instead}: ${reason}`;
}
