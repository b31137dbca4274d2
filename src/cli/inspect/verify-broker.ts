// tidemark verify -b: reads every batch of topics through a broker, ours or any Kafka cluster, and checks checksums,
// order, and that nothing is missing between the first and the last offset that the broker states.

import { ErrorCode, errorName, KafkaError } from '../../base/kafka-errors.ts';
import type { Cluster, TopicInfo } from '../../client/index.ts';
import { type Finding, recordsProblem } from '../../inspect/index.ts';
import { Fetch, type FetchResponse, type Transport } from '../../protocol/index.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchBytes,
  codecNames,
  computeBatchCrc,
  iterateBatches,
  prepareCodec,
} from '../../record/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { type CliIo, processIo } from '../io.ts';
import type { BrokerOptions } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { lineOf, many } from './report.ts';

const PARTITION_BYTES = 8 * 1024 * 1024;
const SHOW_EVERY_MS = 200;

interface BrokerFlags extends BrokerOptions {
  readonly deep?: boolean;
}

/** What was read of one partition. */
interface PartitionResult {
  readonly topic: string;
  readonly partition: number;
  readonly startOffset: number;
  readonly endOffset: number;
  batches: number;
  records: number;
  bytes: number;
  lostOffsets: number;
}

/** Runs the command; the exit code says whether all is there. */
export async function verifyBroker(names: readonly string[], flags: BrokerFlags): Promise<void> {
  const io = processIo();
  await withCluster(flags, async (session) => {
    for (const codec of codecNames) await prepareCodec(codec).catch(() => {});
    const topics = await topicsOf(session, names);
    const check = new BrokerCheck(session, io, flags.deep === true);
    for (const topic of topics) await check.topic(topic);
    io.progress('');
    const { findings, partitions } = check;
    const ok = !findings.some(({ severity }) => severity === 'loss' || severity === 'damage');
    const total = (pick: (one: PartitionResult) => number): number =>
      partitions.reduce((sum, one) => sum + pick(one), 0);
    const lostOffsets = total((one) => one.lostOffsets);
    const records = total((one) => one.records);
    if (flags.json === true) {
      const { brokers } = session;
      await io.data(
        `${JSON.stringify({ ok, brokers, records, lostOffsets, partitions, findings })}\n`,
      );
    } else {
      const counts = `${many(partitions.length, 'partition')}, ${many(records, 'record')}`;
      await io.data(`${session.brokers}: ${counts} read\n`);
      for (const item of findings) await io.data(`${lineOf(item)}\n`);
      const words = ok ? 'everything is whole' : `${many(lostOffsets, 'offset')} lost`;
      await io.data(`${words}\n`);
    }
    if (!ok) process.exitCode = ExitCode.error;
  });
}

async function topicsOf(session: Session, names: readonly string[]): Promise<TopicInfo[]> {
  const { cluster } = session;
  if (names.length === 0) return cluster.listTopics();
  const topics: TopicInfo[] = [];
  for (const name of names) topics.push(await cluster.topic(name));
  return topics;
}

/** Reads topics and collects what is wrong with them. */
export class BrokerCheck {
  readonly findings: Finding[] = [];
  readonly partitions: PartitionResult[] = [];
  readonly #cluster: Cluster;
  readonly #client: Session['client'];
  readonly #io: Pick<CliIo, 'progress'>;
  readonly #deep: boolean;
  #shownMs = 0;

  constructor(
    { cluster, client }: Pick<Session, 'cluster' | 'client'>,
    io: Pick<CliIo, 'progress'>,
    deep: boolean,
  ) {
    this.#cluster = cluster;
    this.#client = client;
    this.#io = io;
    this.#deep = deep;
  }

  async topic(info: TopicInfo): Promise<void> {
    const { listOffsets, SpecialTime, describeConfigs } = this.#client;
    const { name: topic } = info;
    const partitions = info.partitions.map(({ partition }) => partition);
    const ask = (timestamp: number) =>
      listOffsets(this.#cluster, topic, {
        partitions,
        timestamp,
        isolation: 'read_uncommitted',
      });
    const [starts, ends] = [await ask(SpecialTime.earliest), await ask(SpecialTime.latest)];
    const configs = await describeConfigs(this.#cluster, { type: 'topic', name: topic });
    const policy = configs.find(({ name }) => name === 'cleanup.policy')?.value ?? '';
    for (const partition of partitions) {
      const startOffset = starts.get(partition)?.offset ?? 0;
      const endOffset = ends.get(partition)?.offset ?? 0;
      const counts = { batches: 0, records: 0, bytes: 0, lostOffsets: 0 };
      const result = { topic, partition, startOffset, endOffset, ...counts };
      this.partitions.push(result);
      await this.#partition(result, policy.includes('compact'));
    }
  }

  async #partition(result: PartitionResult, gapsAllowed: boolean): Promise<void> {
    let expected = result.startOffset;
    let position = expected;
    while (position < result.endOffset) {
      const answer = await this.#fetch(result, position);
      if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
        const moved = await this.#startOf(result);
        if (moved <= position) throw refused(result, answer.errorCode);
        this.#add(result, 'info', `retention went past offset ${position} while it was read`);
        expected = position = moved;
        continue;
      }
      if (answer.errorCode !== ErrorCode.NONE) throw refused(result, answer.errorCode);
      const before = position;
      for (const header of batchesOf(answer.records)) {
        if (header.nextOffset <= position) continue;
        const good = this.#batch(result, header);
        const { baseOffset } = header;
        if (baseOffset > expected && !gapsAllowed)
          this.#lost(result, expected, baseOffset - 1, 'missing');
        if (!good)
          this.#lost(result, Math.max(expected, baseOffset), header.lastOffset, 'unreadable');
        expected = position = header.nextOffset;
        this.#show(result, position);
      }
      // Where the broker gives nothing more although it stated an end above, nothing more will come.
      if (position === before) break;
    }
    if (expected < result.endOffset && !gapsAllowed) {
      this.#lost(result, expected, result.endOffset - 1, 'not given out');
    }
  }

  #batch(result: PartitionResult, header: BatchHeader): boolean {
    const bytes = batchBytes(header);
    result.batches++;
    result.bytes += bytes.length;
    if (computeBatchCrc(bytes) !== header.crc) return false;
    result.records += header.recordCount;
    const problem = this.#deep ? recordsProblem(header, bytes.length) : null;
    if (problem !== null) {
      const words = `offsets ${header.baseOffset} to ${header.lastOffset}: records cannot be read`;
      this.#add(result, 'warning', `${words}: ${problem}`);
    }
    return true;
  }

  #lost(result: PartitionResult, first: number, last: number, how: string): void {
    if (last < first) return;
    result.lostOffsets += last - first + 1;
    const words = first === last ? `offset ${first} is` : `offsets ${first} to ${last} are`;
    this.#add(result, 'loss', `${words} ${how}`, { first, last });
  }

  #add(
    { topic, partition }: PartitionResult,
    severity: Finding['severity'],
    what: string,
    offsets: Finding['offsets'] = null,
  ): void {
    const code = severity === 'loss' ? 'offsets_missing' : 'bad_records';
    const path = `${topic}-${partition}`;
    const nowhere = { position: null, bytes: null, repair: null };
    this.findings.push({ severity, code, path, ...nowhere, offsets, what });
  }

  #fetch(
    { topic, partition }: PartitionResult,
    fetchOffset: number,
  ): Promise<FetchResponse['responses'][number]['partitions'][number]> {
    const cluster = this.#cluster;
    const ask = async (leader: Transport, currentLeaderEpoch: number) => {
      const { id: topicId } = await cluster.topic(topic);
      const partitionMaxBytes = PARTITION_BYTES;
      const asked = { partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes };
      const response = await leader.send(Fetch, {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: PARTITION_BYTES,
        isolationLevel: 0,
        topics: [{ topic, topicId, partitions: [asked] }],
      });
      const answer = response.responses[0]?.partitions[0];
      const code = answer?.errorCode ?? response.errorCode;
      const passing = code !== ErrorCode.NONE && code !== ErrorCode.OFFSET_OUT_OF_RANGE;
      if (answer === undefined || passing) {
        throw new KafkaError(errorName(code), `fetch of ${topic}-${partition}`);
      }
      return answer;
    };
    return cluster.retry(() => cluster.askLeader({ topic, partition }, ask));
  }

  async #startOf({ topic, partition }: PartitionResult): Promise<number> {
    const { listOffsets, SpecialTime } = this.#client;
    const found = await listOffsets(this.#cluster, topic, {
      partitions: [partition],
      timestamp: SpecialTime.earliest,
      isolation: 'read_uncommitted',
    });
    return found.get(partition)?.offset ?? -1;
  }

  #show({ topic, partition, startOffset, endOffset }: PartitionResult, position: number): void {
    const now = performance.now();
    if (now - this.#shownMs < SHOW_EVERY_MS) return;
    this.#shownMs = now;
    const part = Math.floor(((position - startOffset) / (endOffset - startOffset)) * 100);
    const records = this.partitions.reduce((sum, one) => sum + one.records, 0);
    this.#io.progress(`${topic}-${partition} ${part}%, ${many(records, 'record')}`);
  }
}

function refused({ topic, partition }: PartitionResult, code: number): KafkaError {
  return new KafkaError(errorName(code), `fetch of ${topic}-${partition}`);
}

function batchesOf(records: Buffer | null): Iterable<BatchHeader> {
  return records === null || records.length < BATCH_HEADER_BYTES ? [] : iterateBatches(records);
}
