// Whether there are configs of the names that were typed.

import type { ConfigChange, ConfigEntry, ConfigResource } from '../../client/index.ts';
import { CliError, ExitCode } from '../exit-codes.ts';
import type { Session } from '../session.ts';
import { nearestTo } from './nearest.ts';

/** The entry of that name. Throws CliError `notFound` with the name that is nearest to it. */
export function entryOf(
  name: string,
  resource: ConfigResource,
  entries: readonly ConfigEntry[],
): ConfigEntry {
  const entry = entries.find((one) => one.name === name);
  if (entry !== undefined) return entry;
  const nearest = nearestTo(
    name,
    entries.map((one) => one.name),
  );
  const meant = nearest === null ? '' : `did you mean ${nearest}? `;
  throw new CliError(
    ExitCode.notFound,
    `there is no ${resource.type} config '${name}'`,
    `${meant}"tidemark config show --all" lists them`,
  );
}

/**
 * Brokers take any name to be unset: one that is misspelt would change nothing, and be told as done. Throws CliError
 * `notFound`.
 */
export async function checkUnset(
  { client, cluster }: Session,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
): Promise<void> {
  const unset = changes.filter(({ operation }) => operation === 'delete');
  if (unset.length === 0) return;
  const entries = await client.describeConfigs(cluster, resource);
  for (const { name } of unset) entryOf(name, resource, entries);
}
