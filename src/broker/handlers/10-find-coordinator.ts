// FindCoordinator, versions 0 to 6.
//
// v1 key types · v3 flexible · v4 many keys (KIP-699) · v5 TRANSACTION_ABORTABLE (never) · v6 share
// groups.
//
// There is one node, so it coordinates every group. Groups are found before `__consumer_offsets`
// exists; their first use makes it. Not done yet: transactions, whose key type gets an error that
// every client takes as fatal (with anything else some would try for ever), and share groups:
// INVALID_REQUEST.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { FindCoordinator, type FindCoordinatorResponse } from '../../protocol/index.ts';
import { type Handler, handler, type RequestContext } from '../handler.ts';
import type { Services } from '../services.ts';

type Found = FindCoordinatorResponse['coordinators'][number];

const GROUP = 0;
const TRANSACTION = 1;

function refused(key: string, errorCode: number, errorMessage: string): Found {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage };
}

function find(services: Services, key: string, keyType: number, context: RequestContext): Found {
  if (keyType === TRANSACTION) {
    const text = 'this broker has no transactions; leave transactional.id unset';
    return refused(key, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, text);
  }
  if (keyType !== GROUP) {
    return refused(key, ErrorCode.INVALID_REQUEST, `no coordinator for keys of type ${keyType}`);
  }
  const { host, port } = services.endpoint(context.session);
  const { nodeId } = services.engine;
  return { key, nodeId, host, port, errorCode: 0, errorMessage: null };
}

export function findCoordinatorHandler(services: Services): Handler {
  return handler(FindCoordinator, {
    handle(request, context) {
      const { keyType } = request;
      if (context.version >= 4) {
        return {
          coordinators: request.coordinatorKeys.map((key) => find(services, key, keyType, context)),
        };
      }
      const { key: _key, ...found } = find(services, request.key, keyType, context);
      // Up to v3 Kafka spells success out; from v4 on it leaves the text away.
      return found.errorCode === 0 ? { ...found, errorMessage: 'NONE' } : found;
    },
    refuse: (request, error, context) => {
      const { errorCode, message } = error;
      if (context.version < 4) {
        const { key: _key, ...answer } = refused(request.key, errorCode, message);
        return answer;
      }
      return {
        coordinators: request.coordinatorKeys.map((key) => refused(key, errorCode, message)),
      };
    },
  });
}
