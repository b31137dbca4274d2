// What is written to every partition of a topic, over a few connections at once: so much of it, or on and on until the
// broker is killed in the middle.

import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerBroker } from '../peers/index.ts';
import { differingRecords, RawClient, recordInEach } from './raw-client.ts';

const RECORD_BYTES = 1000;
const BATCH_RECORDS = 100;
const CONNECTIONS = 4;
/** How long a load runs before the broker is killed in it. */
const LOAD_MS = 1_000;

export interface Filling {
  readonly topic: string;
  readonly partitions: number;
}

/** A connection with its share of the partitions. */
interface Lane {
  readonly client: RawClient;
  readonly partitions: readonly number[];
}

async function openLanes(port: number, { partitions }: Filling): Promise<Lane[]> {
  const all = Array.from({ length: partitions }, (_, index) => index);
  const shares = Array.from({ length: CONNECTIONS }, (_, share) =>
    all.filter((index) => index % CONNECTIONS === share),
  );
  const own = shares.filter((share) => share.length > 0);
  return Promise.all(
    own.map(async (share) => ({ client: await RawClient.connect(port), partitions: share })),
  );
}

/** Writes a batch to each of the lane's partitions, again and again. */
async function writeOn({ client, partitions }: Lane, topic: string, rounds: number): Promise<void> {
  const records = differingRecords(BATCH_RECORDS, RECORD_BYTES);
  for (let round = 0; round < rounds; round += 1) {
    await recordInEach(client, topic, partitions, records);
  }
}

/** Writes so many bytes, to all partitions alike. */
export async function fill(port: number, filling: Filling, bytes: number): Promise<void> {
  const rounds = Math.ceil(bytes / (filling.partitions * BATCH_RECORDS * RECORD_BYTES));
  const lanes = await openLanes(port, filling);
  try {
    await Promise.all(lanes.map((lane) => writeOn(lane, filling.topic, rounds)));
  } finally {
    for (const { client } of lanes) client.close();
  }
}

/**
 * Kills it while every partition is being written to. However fast it is, the load goes on until then: throws, and
 * leaves the broker as it is, when it was not waited for anything.
 */
export async function killUnderLoad(
  broker: Pick<PeerBroker, 'port' | 'kill'>,
  filling: Filling,
): Promise<void> {
  const lanes = await openLanes(broker.port, filling);
  let cause: unknown;
  const loads = lanes.map((lane) =>
    writeOn(lane, filling.topic, Number.POSITIVE_INFINITY).catch((error: unknown) => {
      cause ??= error;
    }),
  );
  try {
    await sleep(LOAD_MS);
    if (!lanes.some(({ client }) => client.pending)) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`no request was pending when the broker was to be killed${why}`, { cause });
    }
    await broker.kill();
  } finally {
    for (const { client } of lanes) client.close();
    await Promise.all(loads);
  }
}
