// tidemark group delete: a group with all it committed, or its offsets in some topics.

import { confirm } from '../confirm.ts';
import { processIo } from '../io.ts';
import type { BrokerOptions } from '../program.ts';
import { withCluster } from '../session.ts';
import { plural } from '../topic-description.ts';
import { refuseLiveMembers } from './reset.ts';

/** Options of `group delete`. */
export interface DeleteGroupOptions extends BrokerOptions {
  readonly topic?: readonly string[];
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `group delete`. */
export async function deleteGroups(
  ids: readonly string[],
  options: DeleteGroupOptions,
): Promise<void> {
  const io = processIo();
  const { topic: topics } = options;
  await withCluster(options, async (session) => {
    const { client, cluster } = session;
    const deleted: { group: string; offsets: number; members: number }[] = [];
    for (const id of ids) {
      const { offsets, members } = await client.describeGroup(cluster, id);
      const some = offsets.filter((one) => topics?.includes(one.topic) ?? true);
      if (topics === undefined) await refuseLiveMembers(session, id, 'it cannot be deleted');
      const what =
        topics === undefined
          ? `delete group ${id} with its ${plural(some.length, 'committed offset')}`
          : `forget ${plural(some.length, 'offset')} of group ${id} in ${topics.join(', ')}`;
      if (options.dryRun === true) {
        io.say(`would ${what}`);
        continue;
      }
      if (!(await confirm(io, what, options))) continue;
      if (topics === undefined) await client.deleteGroup(cluster, id);
      else await client.deleteOffsets(cluster, id, some);
      deleted.push({ group: id, offsets: some.length, members: members.length });
      if (options.json !== true) io.say(`done: ${what}`);
    }
    if (options.json === true) await io.data(`${JSON.stringify(deleted)}\n`);
  });
}
