// Changing configs, as commands do it.

import type { ConfigChange, ConfigResource } from '../../client/index.ts';
import type { Session } from '../session.ts';
import { checkUnset } from './known.ts';
import { refusedConfigs } from './refused.ts';

/**
 * Changes them all, or none. Throws CliError: `notFound` for one to be unset that there is not, and what a broker
 * refused with what to do about it; KafkaError and ClientError.
 */
export async function changeConfigs(
  session: Session,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
  options: { readonly validateOnly: boolean },
): Promise<void> {
  await checkUnset(session, resource, changes);
  const { client, cluster } = session;
  try {
    await client.alterConfigs(cluster, resource, changes, options);
  } catch (error) {
    const names = changes.map(({ name }) => name);
    throw refusedConfigs(error, resource.type, names);
  }
}
