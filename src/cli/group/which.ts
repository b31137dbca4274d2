// Which groups a command is about: those named, or all.

import { usageError } from '../exit-codes.ts';
import type { Session } from '../session.ts';

export interface WhichGroups {
  readonly allGroups?: boolean;
}

/** Throws a usage error unless groups are named or all are meant. */
export function checkWhich(named: readonly string[], { allGroups = false }: WhichGroups): void {
  if (allGroups === named.length > 0) {
    throw usageError('say which groups', 'name them, or use --all-groups');
  }
}

/** Ids, each once. */
export async function groupIds(
  { client, cluster }: Session,
  named: readonly string[],
  { allGroups = false }: WhichGroups,
): Promise<string[]> {
  if (!allGroups) return [...new Set(named)];
  // Share and streams groups have neither such members nor such offsets.
  const listed = await client.listGroups(cluster);
  const known = listed.filter(({ type }) => ['classic', 'consumer'].includes(type.toLowerCase()));
  return known.map(({ id }) => id).sort();
}
