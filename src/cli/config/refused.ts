// What to do about configs that a broker refused.

import type { ConfigTable } from '../../base/config-def.ts';
import { brokerConfigs } from '../../base/configs/broker-configs.ts';
import { groupConfigs } from '../../base/configs/group-configs.ts';
import { topicConfigs } from '../../base/configs/topic-configs.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import type { ConfigResource } from '../../client/index.ts';
import { CliError, exitCodeOf, messageOf, nextStepOf } from '../exit-codes.ts';
import { nearestTo } from './nearest.ts';

const tables: readonly ConfigTable[] = [topicConfigs, groupConfigs, brokerConfigs];

/** The error, with the name that a misspelt one was meant to be, or with how values may be typed. */
export function refusedConfigs(
  error: unknown,
  type: ConfigResource['type'],
  names: readonly string[],
): unknown {
  const table = tables.find(({ kind }) => kind === type);
  if (!(error instanceof KafkaError) || error.code !== 'INVALID_CONFIG' || table === undefined)
    return error;
  const step = stepFor(table, names);
  if (step === null) return error;
  const steps = `${step} ${nextStepOf(error)}`;
  return new CliError(exitCodeOf(error), messageOf(error), steps, { cause: error });
}

function stepFor(table: ConfigTable, names: readonly string[]): string | null {
  const misspelt = names.find((name) => table.find(name) === undefined);
  if (misspelt !== undefined) {
    const known = [...table.all()].map((one) => one.name);
    return `did you mean ${nearestTo(misspelt, known)}?`;
  }
  const haveUnits = names.some((name) => /\.(ms|bytes)$/.test(name));
  return haveUnits ? 'times and sizes may have a unit, as 7d or 64MiB;' : null;
}
