// The options of producers and consumers by name.

import { type NamesOf, unknownOption } from '../base/option-names.ts';
import type { ConsumerOptions } from './consumer/options.ts';
import { ClientError } from './errors.ts';
import type { ProducerOptions } from './producer/index.ts';

const producerNames: NamesOf<ProducerOptions> = {
  value: true,
  key: true,
  acks: true,
  idempotent: true,
  lingerMs: true,
  batchBytes: true,
  bufferBytes: true,
  compression: true,
  level: true,
  partitioner: true,
  deliveryTimeoutMs: true,
  requestTimeoutMs: true,
  retryBackoffMs: true,
  maxInFlight: true,
  createTopics: true,
  signal: true,
};

const consumerNames: NamesOf<ConsumerOptions> = {
  topics: true,
  assign: true,
  group: true,
  protocol: true,
  from: true,
  outOfRange: true,
  key: true,
  value: true,
  autoCommit: true,
  isolation: true,
  assignor: true,
  serverAssignor: true,
  instanceId: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  maxPollIntervalMs: true,
  metadataMaxAgeMs: true,
  bufferBytes: true,
  maxBytes: true,
  partitionBytes: true,
  minBytes: true,
  maxWaitMs: true,
  checkCrcs: true,
  closeTimeoutMs: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
  onMoved: true,
  onTrouble: true,
  signal: true,
};

/** Throws ClientError `invalid_option` for a name that there is not. */
export function checkProducerNames(options: object): void {
  check('a producer', options, producerNames);
}

/** Throws ClientError `invalid_option` for a name that there is not. */
export function checkConsumerNames(options: object): void {
  check('a consumer', options, consumerNames);
}

function check(
  what: string,
  given: object | null | undefined,
  names: Readonly<Record<string, true>>,
): void {
  // From plain JavaScript nothing at all may come.
  const wrong = unknownOption(what, given ?? {}, names);
  if (wrong !== null) throw new ClientError('invalid_option', wrong);
}
