// One measurement of one row on one broker: its topic is made before and removed after, or, for rows that read, filled
// once and kept.

import type { Librdkafka, PeerBroker } from '../peers/index.ts';
import { produceBulk } from './clients.ts';
import { acknowledgedRecord, createTopic, deleteTopic, RawClient } from './raw-client.ts';
import type { Row, RowFigures } from './rows.ts';

export interface RowRun {
  readonly tools: Librdkafka;
  readonly broker: PeerBroker;
  readonly quick: boolean;
}

/** The topic that rows with this filling share. */
export const filledTopic = ({ records, recordBytes }: NonNullable<Row['filled']>): string =>
  `filled-${recordBytes}-${records}`;

/** Writes what the row is to read, once for each broker. */
export async function fillTopic(
  { tools, broker, quick }: RowRun,
  filled: NonNullable<Row['filled']>,
  partitions: number,
): Promise<void> {
  const topic = filledTopic(filled);
  await withClient(broker, (client) => createTopic(client, topic, partitions));
  const records = quick ? Math.ceil(filled.records / 25) : filled.records;
  await produceBulk(tools, broker, { ...filled, records, topic }, {});
}

/** Measures the row in `topic`, a name that was not used before; rows that read take their filled topic. */
export function measureRow(where: RowRun, row: Row, topic: string): Promise<RowFigures> {
  const { broker } = where;
  if (row.filled !== undefined) return row.measure({ ...where, topic: filledTopic(row.filled) });
  return withClient(broker, async (client) => {
    await createTopic(client, topic, row.partitions);
    if (row.touched) await acknowledgedRecord(client, topic, row.partitions);
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
