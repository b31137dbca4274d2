// tidemark dlq show: letters, one by one.

import type { Command } from 'commander';
import { chooser, Ledger, type Letter, ownHeaders, readLetters } from '../../../tools/dlq/index.ts';
import { compileFilter, recordDocument } from '../../../tools/replay/index.ts';
import { formatTime } from '../../client/index.ts';
import { type CliIo, paint, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { brokerCommand } from '../program.ts';
import { withCluster } from '../session.ts';
import { type ChoiceFlags, chosen, withChoice } from './choice.ts';

interface ShowFlags extends ChoiceFlags {
  readonly limit: string;
  readonly all?: boolean;
}

/** `dlq show`. */
export function showCommand(): Command {
  return withChoice(
    brokerCommand('show', 'letters with origin, error and content', [
      'tidemark dlq show orders.dlq',
      'tidemark dlq show orders.dlq --letter 0/17 --json',
      `tidemark dlq show orders.dlq -f 'header["tidemark.dlq.error"] == "TypeError"' -n 100`,
    ]).argument('<topic>', 'the topic of the letters'),
  )
    .option('-n, --limit <count>', 'so many at most', '20')
    .option('--all', 'also letters that were redriven or discarded, as those that are named')
    .action((topic: string, flags: ShowFlags) => run(topic, flags));
}

async function run(topic: string, flags: ShowFlags): Promise<void> {
  const limit = wholeNumber('--limit', flags.limit);
  const io = processIo();
  await withCluster(flags, async (session) => {
    const { choice, stretches } = await chosen(session, topic, flags);
    const ledger = new Ledger(session.cluster);
    await ledger.load();
    const pending = chooser(choice, ledger);
    const meant = choice.filter === null ? () => true : compileFilter(choice.filter);
    const wanted = ({ record }: Letter): boolean => {
      // One that is named is wanted whatever became of it.
      if (flags.all !== true && choice.only === null) return pending(record);
      return meant(record) && choice.only?.has(`${record.partition}/${record.offset}`) !== false;
    };
    let shown = 0;
    let strangers = 0;
    for await (const letters of readLetters(session.cluster, stretches, ledger)) {
      for (const letter of letters.filter(wanted)) {
        if (shown >= limit) {
          io.say(`… only the first ${limit}: there are more, see --limit`);
          if (strangers === shown) sayStrangers(io, topic, shown);
          return;
        }
        shown += 1;
        if (letter.facts.origin === null && letter.facts.error === null) strangers += 1;
        await show(io, letter, flags.json === true);
      }
    }
    if (shown > 0 && strangers === shown) sayStrangers(io, topic, shown);
    if (shown === 0)
      io.say(flags.all === true ? `${topic} has no such letter` : nonePending(topic));
  });
}

function nonePending(topic: string): string {
  return `no such letter of ${topic} is pending; --all shows those that were redriven or discarded, too`;
}

/** Records without any header of a dead letter: most likely the topic's name was mistyped. */
function sayStrangers(io: CliIo, topic: string, count: number): void {
  const none =
    count === 1 ? 'this record has no header' : `none of these ${count} records has a header`;
  io.say(
    `${topic} may not be a topic of dead letters: ${none} that tells its origin or error; ` +
      `"tidemark dlq list" shows those that there are, "tidemark consume ${topic}" reads records`,
  );
}

async function show(io: CliIo, { record, facts, state }: Letter, json: boolean): Promise<void> {
  const own = { ...record, headers: ownHeaders(record.headers) };
  const { topic, partition, offset, ...content } = recordDocument(own, own) as Record<
    string,
    unknown
  >;
  if (json) {
    await io.data(`${JSON.stringify({ topic, partition, offset, state, ...facts, ...content })}\n`);
    return;
  }
  const { origin, error, message, attempts, failedMs } = facts;
  const from =
    origin === null ? 'unknown origin' : `${origin.topic}/${origin.partition}/${origin.offset}`;
  const tried = attempts < 0 ? '' : `, tried ${attempts} times`;
  const when = failedMs < 0 ? '' : `, ${formatTime(failedMs)}`;
  const head = paint('bold', `${partition}/${offset}`);
  const marked = state === 'pending' ? '' : ` (${state})`;
  await io.data(`${head}${marked}  from ${from}${tried}${when}\n`);
  await io.data(`  ${paint('red', error ?? 'unknown error')}: ${message ?? ''}\n`);
  await io.data(`  ${JSON.stringify(content)}\n`);
}
