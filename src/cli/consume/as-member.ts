// consume -g: a member of the group like any other, as kcat -G and kafka-console-consumer --group are. It joins, reads
// what it is given, commits what was printed, and leaves.

import type {
  AssignorName,
  ConsumedBatch,
  Consumer,
  ConsumerOptions,
  Isolation,
  OffsetSpec,
  TopicPartition,
} from '../../client/index.ts';
import { type CliIo, ReaderGoneError } from '../io.ts';
import type { RecordFormatter } from '../record-format.ts';
import type { Session } from '../session.ts';
import { EndOfGroup } from './end-of-group.ts';
import { shorten } from './notes.ts';

export interface MemberRun {
  readonly topic: string;
  readonly group: string;
  /** Where to begin where the group has committed nothing. */
  readonly from: OffsetSpec;
  /** Ends when what there is at the start has been read: of its partitions, or by the others while it has none. */
  readonly exit: boolean;
  /** Records to print at most. */
  readonly limit: number;
  readonly isolation: Isolation;
  readonly protocol: 'classic' | 'consumer';
  readonly quiet: boolean;
  readonly print: RecordFormatter;
}

type RawConsumer = Consumer<'buffer', 'buffer'>;

/** All of them, so that it gets along with whoever is in the group: Java, librdkafka, kafkajs. */
const ASSIGNORS: readonly AssignorName[] = [
  'cooperative-sticky',
  'range',
  'roundrobin',
  'sticky',
  'RoundRobinAssigner',
];
const COMMIT_EVERY_MS = 1_000;

/**
 * Reads until the signal, the limit, the end, or until nobody reads what is printed (`io` has to throw that); then it
 * has committed what was printed, and left the group. Throws KafkaError and ClientError.
 */
export async function consumeAsMember(
  io: CliIo,
  session: Session,
  run: MemberRun,
  stop: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const end = run.exit ? await EndOfGroup.asOfNow(session, run) : null;
  const consumer: RawConsumer = new session.client.Consumer(session.cluster, {
    ...optionsOf(io, session, run, (place) => consumer.position(place)),
    signal: AbortSignal.any([stop, ended.signal]),
  });
  end?.watch(consumer, () => ended.abort());
  try {
    const printed = run.limit > 0 ? await printAll(io, consumer, run) : 0;
    if (printed === 0 && ended.signal.aborted && !run.quiet) {
      io.say(`${run.topic}: nothing to read, ${run.group} has read up to its end`);
    }
  } catch (error) {
    // `| head` has had enough: what it did not take is not committed, and the others need not wait for us to expire.
    if (!(error instanceof ReaderGoneError)) throw error;
  } finally {
    end?.stop();
    await consumer.close();
  }
}

function optionsOf(
  io: CliIo,
  session: Session,
  run: MemberRun,
  positionOf: (place: TopicPartition) => number,
): ConsumerOptions<'buffer', 'buffer'> {
  const { topic, group, from, isolation, protocol } = run;
  const say = (
    places: readonly TopicPartition[],
    what: (place: TopicPartition) => string,
  ): void => {
    if (run.quiet) return;
    const notes = places.map((place) => `${topic}/${place.partition}: ${what(place)}`);
    for (const note of shorten(notes)) io.say(note);
  };
  return {
    topics: [topic],
    group,
    protocol,
    from,
    isolation,
    key: 'buffer',
    value: 'buffer',
    assignor: ASSIGNORS,
    autoCommit: { everyMs: COMMIT_EVERY_MS },
    onAssigned: (places) =>
      say(places, (place) => `${startOf(positionOf(place))}, as a member of ${group}`),
    onRevoked: (places) => say(places, () => 'committed and given up'),
    onLost: (places) => say(places, () => 'lost: the group went on without us'),
    onMoved: (place, before, to) =>
      say([place], () => `offset ${before} is gone, going on at ${to}`),
    onTrouble: (error) => session.waiting.hear(error, Number.POSITIVE_INFINITY),
  };
}

/** -1: nobody can tell yet. */
function startOf(position: number): string {
  return position < 0 ? 'from where its leader will say' : `from offset ${position}`;
}

/** Up to the limit; what was printed is dealt with. Answers how many that were. */
async function printAll(io: CliIo, consumer: RawConsumer, run: MemberRun): Promise<number> {
  let printed = 0;
  for await (const batch of consumer.batches()) {
    const records = batch.records.slice(0, run.limit - printed);
    await io.data(Buffer.concat(records.map((record) => lineOf(record, run, ++printed))));
    if (printed < run.limit) continue;
    // The batch in hand would be left out of the last commit; a seek says how far we are.
    const next = (records.at(-1)?.offset ?? -1) + 1;
    if (isHeld(consumer, batch)) await consumer.seek(batch, next);
    break;
  }
  return printed;
}

type RawRecord = ConsumedBatch<Buffer, Buffer>['records'][number];

/** Throws RecordError for a batch that is damaged inside. */
function lineOf(record: RawRecord, { print }: MemberRun, count: number): Buffer {
  if (record.error !== null) throw record.error;
  return print(record, count);
}

function isHeld(consumer: RawConsumer, { partition }: TopicPartition): boolean {
  return consumer.assignment().some((one) => one.partition === partition);
}
