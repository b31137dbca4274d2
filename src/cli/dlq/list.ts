// tidemark dlq list: which topics of dead letters there are, and how many wait in each.

import type { Command } from 'commander';
import { Ledger, type LetterState, readLetters } from '../../../tools/dlq/index.ts';
import { planStretches } from '../../../tools/replay/index.ts';
import { formatTime } from '../../client/index.ts';
import { processIo } from '../io.ts';
import { type BrokerOptions, brokerCommand } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';

/** `dlq list`. */
export function listCommand(): Command {
  return brokerCommand('list', 'topics of dead letters, and how many wait in each', [
    'tidemark dlq list',
    'tidemark dlq list orders.dlq connect-errors --json',
  ])
    .alias('ls')
    .argument('[topics...]', 'topics (default: those that end in .dlq, -dlt or .DLT)')
    .action((topics: string[], flags: BrokerOptions) => run(topics, flags));
}

interface Row {
  readonly topic: string;
  readonly counts: Readonly<Record<LetterState, number>>;
  /** When the oldest that waits failed; -1 without. */
  readonly oldestMs: number;
  /** Errors of those that wait, the most frequent first. */
  readonly errors: readonly (readonly [string, number])[];
}

async function run(topics: readonly string[], flags: BrokerOptions): Promise<void> {
  const io = processIo();
  await withCluster(flags, async (session) => {
    const names = topics.length > 0 ? topics : await letterTopics(session);
    const ledger = new Ledger(session.cluster);
    await ledger.load();
    const rows: Row[] = [];
    for (const name of names) rows.push(await rowOf(session, name, ledger));
    if (flags.json === true) {
      await io.data(
        `${JSON.stringify(rows.map(({ counts, ...row }) => ({ ...row, ...counts })))}\n`,
      );
      return;
    }
    if (rows.length === 0) {
      io.say('there are no topics of dead letters');
      return;
    }
    const cells = rows.map(({ topic, counts, oldestMs, errors }) => [
      topic,
      ...[counts.pending, counts.redriven, counts.discarded].map(String),
      oldestMs < 0 ? '' : formatTime(oldestMs),
      errors
        .slice(0, 2)
        .map(([name, count]) => `${name} (${count})`)
        .join(', '),
    ]);
    const header = ['TOPIC', 'PENDING', 'REDRIVEN', 'DISCARDED', 'OLDEST', 'ERRORS'];
    await io.data(renderTable(header, cells, { right: [1, 2, 3] }));
  });
}

async function letterTopics({ cluster }: Session): Promise<string[]> {
  const all = await cluster.listTopics();
  return all.map((one) => one.name).filter((name) => /(\.dlq|-dlt|\.DLT|-dlq)$/.test(name));
}

async function rowOf({ cluster }: Session, topic: string, ledger: Ledger): Promise<Row> {
  const stretches = await planStretches(cluster, {
    topics: [topic],
    partitions: null,
    from: { kind: 'earliest' },
    to: { kind: 'latest' },
    group: null,
  });
  const counts = { pending: 0, redriven: 0, discarded: 0 };
  const errors = new Map<string, number>();
  let oldestMs = -1;
  for await (const letters of readLetters(cluster, stretches, ledger)) {
    for (const { record, facts, state } of letters) {
      counts[state] += 1;
      if (state !== 'pending') continue;
      const failedMs = facts.failedMs < 0 ? record.timestamp : facts.failedMs;
      if (oldestMs < 0 || failedMs < oldestMs) oldestMs = failedMs;
      const name = facts.error ?? 'unknown';
      errors.set(name, (errors.get(name) ?? 0) + 1);
    }
  }
  return { topic, counts, oldestMs, errors: [...errors].sort((a, b) => b[1] - a[1]) };
}
