// InitProducerId, versions 0 to 5.
//
// v2 flexible · v3 producer id and epoch to bump (KIP-360) · v4 PRODUCER_FENCED · v5
// TRANSACTION_ABORTABLE.
//
// Without a transactional id every request gets a new id with epoch 0, whatever id it brings, as in
// Kafka; no id is given twice, also after a crash. Not done yet: transactions. A transactional id
// gets a fatal error, since every client would retry a retriable one for ever.

import { KafkaError } from '../../base/kafka-errors.ts';
import { InitProducerId } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function initProducerIdHandler(services: Services): Handler {
  return handler(InitProducerId, {
    async handle(request) {
      const { transactionalId, producerId, producerEpoch } = request;
      if (transactionalId === '') {
        throw new KafkaError('INVALID_REQUEST', 'a transactional id must not be empty');
      }
      if ((producerId === -1) !== (producerEpoch === -1)) {
        throw new KafkaError('INVALID_REQUEST', 'a producer id and its epoch come together');
      }
      if (transactionalId !== null) {
        throw new KafkaError(
          'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
          'this broker has no transactions; leave transactional.id unset',
        );
      }
      return {
        errorCode: 0,
        producerId: await services.engine.nextProducerId(),
        producerEpoch: 0,
      };
    },
    refuse: (_request, error) => ({
      errorCode: error.errorCode,
      producerId: -1,
      producerEpoch: -1,
    }),
  });
}
