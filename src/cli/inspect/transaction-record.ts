// A record of `__transaction_state` of Apache Kafka by what it means, as plain JSON.

import {
  decodeVersioned,
  ProtocolError,
  TransactionLogKey,
  TransactionLogValue,
} from '../../protocol/index.ts';

/** By number, as Kafka's TransactionState names them. */
const states = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
];

/** Null for what is none, or newer than us: it is shown as bytes then. */
export function transactionRecordOf(record: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}): object | null {
  if (record.key === null) return null;
  try {
    const { transactionalId } = decodeVersioned(TransactionLogKey, record.key);
    if (record.value === null) return { transactionalId, value: null };
    const value = decodeVersioned(TransactionLogValue, record.value);
    const { transactionStatus } = value;
    const state = states[transactionStatus] ?? `unknown (${transactionStatus})`;
    return { transactionalId, value: { ...value, transactionStatus: state } };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
