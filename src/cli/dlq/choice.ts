// Which letters a command means: options that show, redrive and discard share.

import type { Command } from 'commander';
import type { Ledger, LetterChoice } from '../../../tools/dlq/index.ts';
import { planStretches, type ReplaySource, type Stretch } from '../../../tools/replay/index.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { partitionsOf } from '../partition-list.ts';
import { type BrokerOptions, collect } from '../program.ts';
import type { Session } from '../session.ts';

export interface ChoiceFlags extends BrokerOptions {
  readonly partition?: readonly string[];
  readonly offset?: readonly string[];
  readonly filter?: string;
  readonly letter?: readonly string[];
}

/** Adds the options. */
export function withChoice(command: Command): Command {
  return command
    .option('-l, --letter <partition/offset>', 'this letter, repeatable', collect)
    .option('-p, --partition <list>', 'only these partitions: 0,2 or 0-3, repeatable', collect)
    .option('-o, --offset <range>', 'from where, up to where (default: earliest..latest)', collect)
    .option('-f, --filter <expression>', 'only letters for which this holds, as in replay');
}

/** What is meant, and where it lies. */
export interface Chosen {
  readonly choice: LetterChoice;
  readonly source: ReplaySource;
  readonly stretches: readonly Stretch[];
}

/** Looks it up. Throws a usage error, KafkaError `UNKNOWN_TOPIC_OR_PARTITION`. */
export async function chosen(session: Session, topic: string, flags: ChoiceFlags): Promise<Chosen> {
  const range: { from?: OffsetSpec; to?: OffsetSpec } = {};
  for (const text of flags.offset ?? []) {
    Object.assign(range, session.client.parseOffsetRange(text, nodeClock.now()));
  }
  for (const letter of flags.letter ?? []) {
    if (!/^\d+\/\d+$/.test(letter)) {
      throw usageError(`--letter ${letter}: write partition/offset, such as 0/17`);
    }
  }
  const source: ReplaySource = {
    topics: [topic],
    partitions: partitionsOf(flags.partition),
    from: range.from ?? { kind: 'earliest' },
    to: range.to ?? { kind: 'latest' },
    group: null,
  };
  const all = await planStretches(session.cluster, source, { skipCut: true });
  const only = flags.letter === undefined ? null : new Set(flags.letter);
  return {
    choice: { only, filter: flags.filter ?? null },
    source,
    stretches: only === null ? all : around(all, [...only], topic),
  };
}

/** No more than the letters lie in. Throws CliError for one that lies in none. */
function around(all: readonly Stretch[], letters: readonly string[], topic: string): Stretch[] {
  const found = new Map<Stretch, number[]>();
  for (const letter of letters) {
    const [partition, offset = -1] = letter.split('/').map(Number);
    const stretch = all.find((one) => one.partition === partition);
    if (stretch === undefined || offset < stretch.from || offset >= stretch.to) {
      const { from, to } = stretch ?? { from: 0, to: 0 };
      const where = to > from ? `, where offsets ${from} to ${to - 1} are looked at` : '';
      const text = `there is no letter ${letter} in ${topic}${where}`;
      throw new CliError(ExitCode.notFound, text, `"tidemark dlq show ${topic} --all" lists them`);
    }
    found.set(stretch, [...(found.get(stretch) ?? []), offset]);
  }
  return [...found].map(([stretch, offsets]) => {
    return { ...stretch, from: Math.min(...offsets), to: Math.max(...offsets) + 1 };
  });
}

/** Tells of letters that were named and are not pending any more. */
export function saySettled(io: CliIo, ledger: Ledger, topic: string, { only }: LetterChoice): void {
  for (const letter of only ?? []) {
    const [partition = 0, offset = 0] = letter.split('/').map(Number);
    const state = ledger.stateOf({ topic, partition, offset });
    if (state !== 'pending') io.say(`letter ${letter} of ${topic} is ${state} already`);
  }
}
