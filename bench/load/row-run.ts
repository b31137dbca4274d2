// One measurement of one row on one broker: its topic is made before and removed after, or, for rows that read or need
// many partitions, made once and kept.

import { textOfError } from '../../src/base/errors.ts';
import type { Librdkafka, PeerBroker } from '../peers/index.ts';
import { consumeBulk, produceBulk } from './clients.ts';
import { createTopic, deleteTopic, RawClient, touchPartitions } from './raw-client.ts';
import { type Row, type RowFigures, sizedRecords } from './rows.ts';

export interface RowRun {
  readonly tools: Librdkafka;
  readonly broker: PeerBroker;
  readonly quick: boolean;
  /** Whether half of the work will do: a row that only warms up. */
  readonly half?: boolean;
}

/** The topic that is made once, which rows with the same filling share; undefined where each time has a new one. */
export function keptTopic({
  filled,
  kept,
  partitions,
}: Pick<Row, 'filled' | 'kept' | 'partitions'>): string | undefined {
  if (filled !== undefined) return `filled-${filled.recordBytes}-${filled.records}`;
  return kept ? `kept-${partitions}` : undefined;
}

/**
 * Makes the topic that the row needs all the time, with what is to be read. The filling is no measurement: one that
 * fails is done once more, in the topic made anew, so that nobody reads what the first try left.
 */
export async function makeKeptTopic(
  where: RowRun,
  row: Pick<Row, 'filled' | 'kept' | 'partitions'>,
  say: (line: string) => void,
): Promise<void> {
  const topic = keptTopic(row);
  if (topic === undefined) return;
  const { tools, broker } = where;
  const { filled, partitions } = row;
  await withClient(broker, async (client) => {
    await createTopic(client, topic, partitions);
    if (filled === undefined) await touchPartitions(client, topic, partitions);
  });
  if (filled === undefined) return;
  const records = sizedRecords(filled.records, where);
  const fill = () => produceBulk(tools, broker, { ...filled, records, topic }, {});
  try {
    await fill();
  } catch (error) {
    say(`${topic} is filled once more: ${textOfError(error)}`);
    await withClient(broker, async (client) => {
      await deleteTopic(client, topic);
      await createTopic(client, topic, partitions);
    });
    await fill();
  }
}

/**
 * Reads once, unmeasured, what the row is to read, by librdkafka whoever the row's client is: the machine takes back
 * pages that nobody has read for a while, and who is measured would read from the disk (seen: 1,016, 42, 67, 104 and
 * 53 MB of 1,024 in five rounds). Nothing for rows that read nothing.
 */
export async function readFilled(
  where: RowRun,
  row: Pick<Row, 'filled' | 'kept' | 'partitions'>,
): Promise<void> {
  const { filled, partitions } = row;
  const topic = keptTopic(row);
  if (filled === undefined || topic === undefined) return;
  const records = sizedRecords(filled.records, where);
  await consumeBulk(where.tools, where.broker, { ...filled, records, topic }, { partitions });
}

/** Measures the row in `topic`, a name that was not used before, or in the one that is kept for it. */
export function measureRow(where: RowRun, row: Row, topic: string): Promise<RowFigures> {
  const { broker } = where;
  const kept = keptTopic(row);
  if (kept !== undefined) return row.measure({ ...where, topic: kept });
  return withClient(broker, async (client) => {
    await createTopic(client, topic, row.partitions);
    await touchPartitions(client, topic, row.partitions);
    try {
      return await row.measure({ ...where, topic });
    } finally {
      await deleteTopic(client, topic);
    }
  });
}

async function withClient<T>(
  broker: PeerBroker,
  work: (client: RawClient) => Promise<T>,
): Promise<T> {
  const client = await RawClient.connect(broker.port);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
