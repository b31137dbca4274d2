// tidemark bench: a quick load test of any Kafka cluster, from this machine.

import { type Command, Option } from 'commander';
import { KafkaError } from '../../base/kafka-errors.ts';
import type { Cluster } from '../../client/index.ts';
import { codecNames } from '../../record/index.ts';
import type { Live } from '../bench/load.ts';
import { failuresOf } from '../bench/notes.ts';
import { type LoadFlags, type LoadPlan, planOf } from '../bench/plan.ts';
import type { BenchReport } from '../bench/report.ts';
import { CliError, ExitCode, messageOf, withNextStep } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type BrokerOptions, brokerCommand, type CommandModule } from '../program.ts';
import { propertiesOf, type Session, withCluster } from '../session.ts';

interface BenchFlags extends BrokerOptions, LoadFlags {
  readonly replicationFactor?: string;
  readonly keep?: boolean;
}

const details = `
Makes a topic of its own, writes to it as fast as it goes, reads it back, sends records at a fixed rate and times
each from when it was due until it was read, and deletes the topic. The client is one Node process: where "client" is
near 100 %, the cluster can do more than is shown. Ctrl-C prints the figures so far and deletes the topic. Records
that cannot be read back in time make the run fail (exit code 1), with the figures printed.`;

function build(): Command {
  return brokerCommand('bench', 'load-test a cluster: throughput, latency, the limit', [
    'tidemark bench',
    'tidemark bench -b broker1:9092,broker2:9092 --size 200 -z lz4 --seconds 10',
    'tidemark bench --rate 10000 --json | jq .tail.latency.p99Ms',
  ])
    .option('-p, --partitions <count>', 'partitions of the topic', '6')
    .option('--replication-factor <count>', "copies; default: the broker's own")
    .option('-s, --size <size>', 'bytes of a record', '1KiB')
    .option('--seconds <count>', 'time of writing, and of the fixed rate', '5')
    .option('--rate <count>', 'records a second of the fixed rate', '1000')
    .option('--max-bytes <size>', 'write no more than this', '1GiB')
    .addOption(
      new Option(
        '-a, --acks <acks>',
        'all (replicas in sync), 1 (leader) or 0 (nobody answers); default: all',
      ).choices(['all', '1', '0']),
    )
    .addOption(
      new Option('-z, --compress <codec>', 'codec of the batches (default: none)').choices([
        ...codecNames,
      ]),
    )
    .option('--keep', 'keep the topic')
    .addHelpText('after', details)
    .action((flags: BenchFlags) => bench(flags));
}

/** The verb `bench`. */
export const benchCommand: CommandModule = { build };

async function bench(flags: BenchFlags): Promise<void> {
  const io = processIo();
  const plan = planOf(flags, propertiesOf(flags));
  const copies =
    flags.replicationFactor === undefined
      ? -1
      : wholeNumber('--replication-factor', flags.replicationFactor, { from: 1 });
  await withCluster(flags, async (session) => {
    const { cluster, client } = session;
    const { signal } = session.stopSignal();
    const topic = { name: plan.topic, partitions: plan.partitions, replicationFactor: copies };
    const [created] = await client.createTopics(cluster, [topic]);
    if (created === undefined || created.error !== null) {
      throw created?.error ?? new Error('the broker did not say whether it made the topic');
    }
    try {
      const report = await run(io, session, plan, signal).catch((error: unknown) => {
        throw signal.aborted ? interruption() : withSizeStep(error);
      });
      io.progress('');
      const { printReport } = await import('../bench/report.ts');
      await printReport(io, report, flags.json === true);
      if (report.interrupted) throw interruption();
      if (failuresOf(report).length > 0) {
        throw new CliError(ExitCode.error, 'not all records were read in time');
      }
    } finally {
      io.progress('');
      if (flags.keep === true) io.say(`kept: topic ${plan.topic}`);
      else await cleanUp(io, session, plan.topic);
    }
  });
}

const interruption = (): CliError => new CliError(ExitCode.interrupted, 'interrupted');

/** The topic is made here: nobody can raise its own limit. */
function withSizeStep(error: unknown): unknown {
  if (!(error instanceof KafkaError) || error.code !== 'MESSAGE_TOO_LARGE') return error;
  return withNextStep(error, 'ask for a smaller --size, or raise message.max.bytes of the brokers');
}

/** The topic goes, whatever happened before; when it can't, the user is told how. */
async function cleanUp(
  io: CliIo,
  { cluster, client, brokers }: Session,
  topic: string,
): Promise<void> {
  try {
    const [outcome] = await client.deleteTopics(cluster, [topic]);
    if (outcome?.error) throw outcome.error;
  } catch (error) {
    io.say(`topic ${topic} could not be deleted: ${messageOf(error)}`);
    io.say(`delete it with: tidemark topic delete ${topic} -b ${brokers}`);
  }
}

async function run(
  io: CliIo,
  session: Session,
  plan: LoadPlan,
  signal: AbortSignal,
): Promise<BenchReport> {
  const [{ Load }, { verdictsOf }] = await Promise.all([
    import('../bench/load.ts'),
    import('../bench/verdict.ts'),
  ]);
  const { cluster, brokers } = session;
  const live: Live = (line) => io.progress(line);
  const load = new Load(cluster, plan, live, signal);
  live('one record at a time');
  const { clusterId } = await cluster.describe();
  const info = await cluster.topic(plan.topic);
  const roundTripMs = await load.roundTrip();
  const oneRecordAcks1Ms = await load.oneByOne(1);
  const oneRecordAcksAllMs = await load.oneByOne(-1);
  signal.throwIfAborted();
  const { acks = -1, compression = 'none' } = plan.producer;
  const local = await allLocal(cluster);
  const produce = await unlessStopped(() => load.produce(), signal);
  const consume = await unlessStopped(() => load.consume(), signal);
  const tail = await unlessStopped(() => load.tail(), signal);
  if (produce === null) throw interruption();
  const verdicts = verdictsOf({
    roundTripMs,
    oneRecordAcks1Ms,
    oneRecordAcksAllMs,
    acks,
    compressed: compression !== 'none',
    produce,
    consume,
    tail: tail && {
      ...tail.latency,
      lateP99Ms: tail.late.p99Ms,
      busy: tail.busy,
      reached: tail.recordsPerSecond,
      asked: plan.perSecond,
    },
    local,
  });
  return {
    brokers,
    clusterId,
    settings: {
      partitions: plan.partitions,
      replicationFactor: info.partitions[0]?.replicas.length ?? 1,
      recordBytes: plan.recordBytes,
      acks,
      compression,
      seconds: plan.seconds,
      perSecond: plan.perSecond,
    },
    roundTripMs,
    oneRecordAcks1Ms,
    oneRecordAcksAllMs,
    produce,
    consume,
    tail,
    interrupted: signal.aborted,
    verdicts,
  };
}

/** What a phase found, also when an interrupt ended it; null when that came before there was anything. */
async function unlessStopped<Found extends { readonly records: number }>(
  phase: () => Promise<Found>,
  signal: AbortSignal,
): Promise<Found | null> {
  if (signal.aborted) return null;
  try {
    const found = await phase();
    return signal.aborted && found.records === 0 ? null : found;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

async function allLocal(cluster: Cluster): Promise<boolean> {
  const { nodes } = await cluster.describe();
  return nodes.every(({ host }) => /^(127\.|::1$|localhost$)/.test(host));
}
