// tidemark group reset: moves what a group has committed. Shows before and after; --execute does it.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { GroupMember } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import type { BrokerOptions } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';
import { plural } from '../topic-description.ts';
import { planReset, type ResetFlags, type ResetRow } from './reset-plan.ts';

/** Options of `group reset`. */
export interface ResetOptions extends BrokerOptions, ResetFlags {
  readonly execute?: boolean;
  readonly dryRun?: boolean;
  readonly export?: boolean;
}

/** `group reset`. */
export async function resetGroup(group: string, options: ResetOptions): Promise<void> {
  const io = processIo();
  if (options.execute === true && options.dryRun === true) {
    throw usageError('--execute and --dry-run together: say which', 'without both it is --dry-run');
  }
  await withCluster(options, async (session) => {
    await refuseLiveMembers(session, group, 'its offsets cannot be moved');
    const rows = await planReset(session, group, options, nodeClock.now());
    if (options.execute === true) await commitAll(session, group, rows);
    if (options.export === true) {
      const lines = rows.map(({ topic, partition, after }) => `${topic},${partition},${after}\n`);
      await io.data(lines.join(''));
    } else if (options.json === true) {
      await io.data(`${JSON.stringify({ group, executed: options.execute === true, rows })}\n`);
    } else {
      await io.data(table(rows));
    }
    if (rows.length === 0) io.say(`group ${group} has committed nothing: name topics with --topic`);
    else if (options.execute === true) io.say(`group ${group}: ${rows.length} offsets committed`);
    else io.say('nothing was changed: add --execute to do it');
  });
}

async function commitAll(
  { client, cluster }: Session,
  group: string,
  rows: readonly ResetRow[],
): Promise<void> {
  for (const topic of new Set(rows.map((row) => row.topic))) {
    const offsets = rows.filter((row) => row.topic === topic);
    const wanted = new Map(offsets.map(({ partition, after }) => [partition, after]));
    await client.commitOffsets(cluster, group, topic, wanted);
  }
}

function table(rows: readonly ResetRow[]): string {
  if (rows.length === 0) return '';
  const header = ['TOPIC', 'PARTITION', 'BEFORE', 'AFTER', 'CHANGE', ''];
  const cells = rows.map(({ topic, partition, before, after, note }) => {
    const change = before === null ? '' : String(after - before);
    return [topic, String(partition), String(before ?? '-'), String(after), change, note];
  });
  return renderTable(header, cells, { right: [1, 2, 3, 4] });
}

/** Throws a CliError with the members' names when there are any. A group that does not exist has none. */
export async function refuseLiveMembers(
  { client, cluster }: Session,
  group: string,
  what: string,
): Promise<void> {
  let members: readonly GroupMember[] = [];
  try {
    ({ members } = await client.describeGroup(cluster, group));
  } catch (error) {
    if (!(error instanceof KafkaError) || error.code !== 'GROUP_ID_NOT_FOUND') throw error;
  }
  if (members.length === 0) return;
  const names = members.map((one) => `${one.clientId} (${one.memberId}) on ${one.clientHost}`);
  throw new CliError(
    ExitCode.refused,
    `group '${group}' has ${plural(members.length, 'live member')}, ${what}: ${names.join(', ')}`,
    'stop them first, or wait until their sessions have timed out; then try again',
  );
}
