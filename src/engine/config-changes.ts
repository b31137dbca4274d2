// Applies the steps of IncrementalAlterConfigs (KIP-339) to a set of configs. Pure.

import { type ConfigTable, configList, parseConfig } from '../base/config-def.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { ConfigChange } from './contract.ts';

/**
 * The configs after all changes. `effective` gives the value that stands where none is set, which
 * `append` and `subtract` start from. Values are not checked here.
 * Throws KafkaError `INVALID_CONFIG` for an unknown name and for `append` or `subtract` on what is
 * no list, `INVALID_REQUEST` for a missing value and for a config named twice.
 */
export function applyConfigChanges(
  table: ConfigTable,
  current: ReadonlyMap<string, string>,
  changes: readonly ConfigChange[],
  effective: (name: string) => string,
): ReadonlyMap<string, string> {
  const configs = new Map(current);
  const seen = new Set<string>();
  for (const change of changes) {
    const { name, operation, value } = change;
    if (seen.has(name)) throw invalid(`config ${name} is changed twice in one request`);
    seen.add(name);
    if (operation === 'delete') {
      configs.delete(name);
      continue;
    }
    const definition = table.get(name);
    if (value === null) throw invalid(`config ${name} needs a value to ${operation}`);
    if (operation === 'set') {
      configs.set(name, value);
      continue;
    }
    if (definition.type !== 'list') {
      const message = `config ${name} is no list, so there is nothing to ${operation}`;
      throw new KafkaError('INVALID_CONFIG', message);
    }
    const before = configList(configs.get(name) ?? effective(name));
    const items = configList(value);
    const after =
      operation === 'append'
        ? [...new Set([...before, ...items])]
        : before.filter((item) => !items.includes(item));
    configs.set(name, after.join(','));
  }
  return configs;
}

/**
 * Whether what was changed may stand in `configs`; what stood there before is no matter of the request's. Throws
 * KafkaError `INVALID_CONFIG`.
 */
export function checkChanged(
  table: ConfigTable,
  changes: readonly Pick<ConfigChange, 'name'>[],
  configs: ReadonlyMap<string, string>,
): void {
  for (const { name } of changes) {
    const text = configs.get(name);
    if (text !== undefined) parseConfig(table.get(name), text);
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message);
}
