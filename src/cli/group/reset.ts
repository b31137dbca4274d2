// tidemark group reset: moves what a group has committed. Shows before and after; --execute does it.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { GroupMember } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import type { BrokerOptions } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';
import { plural } from '../topic-description.ts';
import { groupsOfFile, readOffsetsFile } from './offsets-file.ts';
import { planReset, type ResetFlags, type ResetRow } from './reset-plan.ts';
import { checkWhich, groupIds, type WhichGroups } from './which.ts';

/** Options of `group reset`. */
export interface ResetOptions extends BrokerOptions, ResetFlags, WhichGroups {
  readonly execute?: boolean;
  readonly dryRun?: boolean;
  readonly export?: boolean;
}

/** What is to become of one group. */
interface Plan {
  readonly group: string;
  readonly rows: readonly ResetRow[];
}

/** `group reset`. Everything is looked up and checked, for all groups, before anything is changed. */
export async function resetGroups(named: readonly string[], options: ResetOptions): Promise<void> {
  const io = processIo();
  checkWhich(named, options);
  if (options.execute === true && options.dryRun === true) {
    throw usageError('--execute and --dry-run together: say which', 'without both it is --dry-run');
  }
  const { fromFile, allGroups = false } = options;
  const file = fromFile === undefined ? null : readOffsetsFile(fromFile);
  const executed = options.execute === true;
  await withCluster(options, async (session) => {
    const source = { flags: options, file, nowMs: nodeClock.now() };
    const ids =
      file !== null && allGroups ? groupsOfFile(file) : await groupIds(session, named, options);
    const plans: Plan[] = [];
    for (const group of ids) {
      if (executed) await refuseLiveMembers(session, group, 'its offsets cannot be moved');
      else await tellLiveMembers(session, group, io);
      plans.push({ group, rows: await planReset(session, group, source) });
    }
    if (executed) for (const { group, rows } of plans) await commitAll(session, group, rows);
    await io.data(shown(plans, options));
    for (const { group, rows } of plans) {
      if (rows.length === 0) io.say(`group ${group} has nothing to move: name topics with --topic`);
      else if (executed) io.say(`group ${group}: ${plural(rows.length, 'offset')} committed`);
    }
    const some = plans.some(({ rows }) => rows.length > 0);
    if (some && !executed && options.export !== true)
      io.say('nothing was changed: add --execute to do it');
  });
}

/** Several groups are told apart: in lines as Kafka's tool writes and reads them, in JSON by an array. */
function shown(plans: readonly Plan[], options: ResetOptions): string {
  const several = options.allGroups === true || plans.length > 1;
  if (options.export === true) {
    const lines = plans.flatMap(({ group, rows }) =>
      rows.map(({ topic, partition, after }) => {
        const line = `${topic},${partition},${after}\n`;
        return several ? `${csvField(group)},${line}` : line;
      }),
    );
    return lines.join('');
  }
  if (options.json === true) {
    const all = plans.map((plan) => ({ ...plan, executed: options.execute === true }));
    return `${JSON.stringify(several ? all : all[0])}\n`;
  }
  return plans
    .map(({ group, rows }) => `${several && rows.length > 0 ? `${group}\n` : ''}${table(rows)}`)
    .join('');
}

/** Group ids may hold anything; names of topics may not. */
function csvField(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
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

/** A group that does not exist has none. */
async function liveMembers(
  { client, cluster }: Session,
  group: string,
): Promise<readonly GroupMember[]> {
  try {
    return (await client.describeGroup(cluster, group)).members;
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'GROUP_ID_NOT_FOUND') return [];
    throw error;
  }
}

/** What is shown of a group at work is soon of the past. */
async function tellLiveMembers(session: Session, group: string, io: CliIo): Promise<void> {
  const { length } = await liveMembers(session, group);
  if (length === 0) return;
  const live = plural(length, 'live member');
  io.say(`group ${group} has ${live}: its offsets move on, and --execute refuses meanwhile`);
}

/** Throws a CliError with the members' names when there are any. */
export async function refuseLiveMembers(
  session: Session,
  group: string,
  what: string,
): Promise<void> {
  const members = await liveMembers(session, group);
  if (members.length === 0) return;
  const names = members.map((one) => `${one.clientId} (${one.memberId}) on ${one.clientHost}`);
  throw new CliError(
    ExitCode.refused,
    `group '${group}' has ${plural(members.length, 'live member')}, ${what}: ${names.join(', ')}`,
    'stop them first, or wait until their sessions have timed out; then try again',
  );
}
