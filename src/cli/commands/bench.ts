// tidemark bench: a quick load test of any Kafka cluster, from this machine.

import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { parseByteSize } from '../../base/byte-size.ts';
import type { Cluster, ProducerOptions } from '../../client/index.ts';
import { type Codec, codecNames } from '../../record/index.ts';
import type { Live, LoadPlan } from '../bench/load.ts';
import type { BenchReport } from '../bench/report.ts';
import { CliError, ExitCode, messageOf, usageError } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type BrokerOptions, brokerCommand, type CommandModule } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { stopSignal } from '../stop-signal.ts';

interface BenchFlags extends BrokerOptions {
  readonly partitions: string;
  readonly replicationFactor?: string;
  readonly size: string;
  readonly seconds: string;
  readonly rate: string;
  readonly maxBytes: string;
  readonly acks: string;
  readonly compress: Codec;
  readonly keep?: boolean;
}

const DELIVERY_MS = 30_000;

const details = `
Makes a topic of its own, writes to it as fast as it goes, reads it back, sends records at a fixed rate and times
each from when it was due until it was read, and deletes the topic. The client is one Node process: where "client" is
near 100 %, the cluster can do more than is shown.`;

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
    .addOption(new Option('-a, --acks <acks>', 'all or 1').choices(['all', '1']).default('all'))
    .addOption(
      new Option('-z, --compress <codec>', 'codec of the batches')
        .choices([...codecNames])
        .default('none'),
    )
    .option('--keep', 'keep the topic')
    .addHelpText('after', details)
    .action((flags: BenchFlags) => bench(flags));
}

/** The verb `bench`. */
export const benchCommand: CommandModule = { build };

function planOf(flags: BenchFlags): LoadPlan {
  const producer: ProducerOptions<'buffer', 'buffer'> = {
    key: 'buffer',
    value: 'buffer',
    createTopics: false,
    acks: flags.acks === '1' ? 1 : -1,
    compression: flags.compress,
    // A load test waits less for a broker that has gone than a program that must not lose anything.
    deliveryTimeoutMs: DELIVERY_MS,
  };
  const recordBytes = parseByteSize(flags.size);
  // A record carries when it was due.
  if (recordBytes < 8) throw usageError(`--size ${flags.size}: at least 8 bytes`);
  return {
    topic: `tidemark-bench-${randomBytes(6).toString('hex')}`,
    partitions: wholeNumber('--partitions', flags.partitions, { from: 1 }),
    recordBytes,
    seconds: wholeNumber('--seconds', flags.seconds, { from: 1 }),
    perSecond: wholeNumber('--rate', flags.rate, { from: 1 }),
    maxBytes: parseByteSize(flags.maxBytes),
    producer,
  };
}

async function bench(flags: BenchFlags): Promise<void> {
  const io = processIo();
  const plan = planOf(flags);
  const copies =
    flags.replicationFactor === undefined
      ? -1
      : wholeNumber('--replication-factor', flags.replicationFactor, { from: 1 });
  const stop = stopSignal();
  try {
    await withCluster(flags, async (session) => {
      const { cluster, client } = session;
      const topic = { name: plan.topic, partitions: plan.partitions, replicationFactor: copies };
      const [created] = await client.createTopics(cluster, [topic]);
      if (created === undefined || created.error !== null) {
        throw created?.error ?? new Error('the broker did not say whether it made the topic');
      }
      try {
        const report = await run(io, session, plan, stop.signal).catch((error: unknown) => {
          throw stop.signal.aborted ? new CliError(ExitCode.interrupted, 'interrupted') : error;
        });
        io.progress('');
        const { printReport } = await import('../bench/report.ts');
        await printReport(io, report, flags.json === true);
      } finally {
        io.progress('');
        if (flags.keep === true) io.say(`kept: topic ${plan.topic}`);
        else await cleanUp(io, session, plan.topic);
      }
    });
  } finally {
    stop.off();
  }
}

/** The topic goes, whatever happened before; when it can't, the user is told how. */
async function cleanUp(io: CliIo, { cluster, client }: Session, topic: string): Promise<void> {
  try {
    const [outcome] = await client.deleteTopics(cluster, [topic]);
    if (outcome?.error) throw outcome.error;
  } catch (error) {
    io.say(`topic ${topic} could not be deleted: ${messageOf(error)}`);
    io.say(`delete it with: tidemark topic delete ${topic}`);
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
  const produce = await load.produce();
  const consume = await load.consume();
  const tail = await load.tail();
  signal.throwIfAborted();
  const verdicts = verdictsOf({
    roundTripMs,
    oneRecordAcks1Ms,
    oneRecordAcksAllMs,
    produceBusy: produce.busy,
    consumeBusy: consume.busy,
    tail: { ...tail.latency, lateP99Ms: tail.late.p99Ms },
    local: await allLocal(cluster),
  });
  return {
    brokers,
    clusterId,
    settings: {
      partitions: plan.partitions,
      replicationFactor: info.partitions[0]?.replicas.length ?? 1,
      recordBytes: plan.recordBytes,
      acks: plan.producer.acks ?? -1,
      compression: plan.producer.compression ?? 'none',
      seconds: plan.seconds,
      perSecond: plan.perSecond,
    },
    roundTripMs,
    oneRecordAcks1Ms,
    oneRecordAcksAllMs,
    produce,
    consume,
    tail,
    verdicts,
  };
}

async function allLocal(cluster: Cluster): Promise<boolean> {
  const { nodes } = await cluster.describe();
  return nodes.every(({ host }) => /^(127\.|::1$|localhost$)/.test(host));
}
