// Topics are deleted after their measurement, and their files some time later. A file system that is mounted with
// `discard` then keeps the device busy, and who syncs meanwhile waits, whoever gave the room back: no measurement
// begins before all brokers have removed what the ones before it left. The delay is the same for all that have one
// (peers/systems.ts); klite has one log for all topics and gives nothing back. Of other peers it is not known where
// they keep what they delete: nobody waits for them.

import { readdirSync } from 'node:fs';
import { type PeerBroker, waitUntil } from '../peers/index.ts';

/** Kafka removes nothing in its first 30 s. */
const LIMIT_MS = 60_000;
/** What Kafka's and our directories of deleted logs are called. */
const DELETED = /-delete$/;

/** Waits until no broker has a directory of a deleted topic; answers whether that came to pass in time. */
export async function deletionsOver(
  brokers: readonly Pick<PeerBroker, 'logDirectory'>[],
  timeoutMs = LIMIT_MS,
): Promise<boolean> {
  const over = ({ logDirectory }: Pick<PeerBroker, 'logDirectory'>): boolean =>
    !readdirSync(logDirectory).some((name) => DELETED.test(name));
  try {
    await waitUntil(() => brokers.every(over), { timeoutMs, what: 'files of deleted topics' });
    return true;
  } catch {
    return false;
  }
}
