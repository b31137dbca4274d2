// tidemark dlq discard: letters that nobody wants any more. They stay in the topic, and are not pending.

import type { Command } from 'commander';
import { chooser, Ledger, type LetterPlace, readLetters } from '../../../tools/dlq/index.ts';
import { type JobRecord, JobStore, newJob } from '../../../tools/replay/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { confirm } from '../confirm.ts';
import { processIo } from '../io.ts';
import { addGuards, brokerCommand } from '../program.ts';
import { withCluster } from '../session.ts';
import { plural } from '../topic-description.ts';
import { type ChoiceFlags, type Chosen, chosen, saySettled, withChoice } from './choice.ts';

interface DiscardFlags extends ChoiceFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `dlq discard`. */
export function discardCommand(): Command {
  const command = brokerCommand('discard', 'mark letters as not wanted any more', [
    'tidemark dlq discard orders.dlq --letter 0/17 --yes',
    `tidemark dlq discard orders.dlq -f 'value.test == true' --dry-run`,
  ]).argument('<topic>', 'the topic of the letters');
  return addGuards(withChoice(command)).action((topic: string, flags: DiscardFlags) =>
    run(topic, flags),
  );
}

async function run(topic: string, flags: DiscardFlags): Promise<void> {
  const io = processIo();
  await withCluster(flags, async (session) => {
    const found = await chosen(session, topic, flags);
    const ledger = new Ledger(session.cluster);
    await ledger.load();
    saySettled(io, ledger, topic, found.choice);
    const wanted = chooser(found.choice, ledger);
    const places: LetterPlace[] = [];
    for await (const letters of readLetters(session.cluster, found.stretches, ledger)) {
      for (const { record } of letters) {
        const { partition, offset } = record;
        if (wanted(record)) places.push({ topic, partition, offset });
      }
    }
    const dryRun = flags.dryRun === true || places.length === 0;
    if (
      dryRun ||
      !(await confirm(io, `discard ${plural(places.length, 'letter')} of ${topic}`, flags))
    ) {
      if (flags.json === true)
        await io.data(`${JSON.stringify({ topic, discarded: 0, meant: places.length })}\n`);
      else
        io.say(
          `${plural(places.length, 'letter')} of ${topic} would be discarded; nothing was done`,
        );
      return;
    }
    const store = new JobStore(session.cluster);
    await Promise.all([store.prepare(), ledger.prepare()]);
    await ledger.settle(places, 'discarded');
    await store.save(jobOf(found, places.length));
    if (flags.json === true) {
      await io.data(
        `${JSON.stringify({ topic, discarded: places.length, meant: places.length })}\n`,
      );
    } else io.say(`${plural(places.length, 'letter')} of ${topic} discarded`);
  });
}

/** Who did what when, among the jobs. */
function jobOf({ source, stretches, choice }: Chosen, count: number): JobRecord {
  return newJob({
    nowMs: nodeClock.now(),
    state: 'done',
    source,
    target: { kind: 'nowhere' },
    filter: choice.filter,
    ...(choice.only !== null && { only: [...choice.only] }),
    stretches,
    counts: { read: count, selected: count, written: 0, skipped: 0, bytes: 0 },
  });
}
