// Which letters a command means: options that show, redrive and discard share.

import type { Command } from 'commander';
import type { LetterChoice } from '../../../tools/dlq/index.ts';
import { planStretches, type ReplaySource, type Stretch } from '../../../tools/replay/index.ts';
import type { OffsetSpec } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { usageError } from '../exit-codes.ts';
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
  const only = flags.letter === undefined ? null : new Set(flags.letter);
  return {
    choice: { only, filter: flags.filter ?? null },
    source,
    stretches: await planStretches(session.cluster, source, { skipCut: true }),
  };
}
