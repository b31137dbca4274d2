// Records of callers without types.

import { shown } from '../../base/option-kinds.ts';
import { ClientError } from '../errors.ts';
import { isIndex } from '../option-kinds.ts';

/** A topic that has no name would be asked for until the delivery times out. Throws ClientError `invalid_record`. */
export function checkRecord(record: unknown): void {
  if (typeof record !== 'object' || record === null) {
    const message = `${shown(record)} is no record: send({ topic: 'orders', value })`;
    throw new ClientError('invalid_record', message);
  }
  const { topic } = record as { readonly topic?: unknown };
  if (typeof topic === 'string' && topic !== '') return;
  const message = `a record needs the name of its topic, not ${shown(topic)}`;
  throw new ClientError('invalid_record', message);
}

/** Throws ClientError `invalid_record`. */
export function checkPartition(partition: unknown): void {
  if (isIndex(partition)) return;
  const message = `partition ${shown(partition)}: write a whole number from 0 on, or leave it out`;
  throw new ClientError('invalid_record', message);
}
