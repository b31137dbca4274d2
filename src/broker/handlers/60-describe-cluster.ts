// DescribeCluster, versions 0 to 2 (v1 endpoint type, KIP-919; v2 fenced brokers, KIP-1073: there
// are none).
//
// Answers for brokers. A request for controllers is MISMATCHED_ENDPOINT_TYPE: no listener here is a
// controller's.

import { KafkaError } from '../../base/kafka-errors.ts';
import { DescribeCluster } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import { CLUSTER_OPERATIONS, NO_OPERATIONS, rackOf, type Services } from '../services.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export function describeClusterHandler(services: Services): Handler {
  const { engine } = services;
  return handler(DescribeCluster, {
    handle(request, context) {
      const { endpointType } = request;
      if (endpointType !== BROKERS) {
        throw endpointType === CONTROLLERS
          ? new KafkaError('MISMATCHED_ENDPOINT_TYPE', 'this endpoint is a broker, no controller')
          : new KafkaError('UNSUPPORTED_ENDPOINT_TYPE', `no endpoint type ${endpointType}`);
      }
      const { host, port } = services.endpoint(context.session);
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        endpointType: BROKERS,
        clusterId: engine.clusterId,
        controllerId: engine.nodeId,
        brokers: [{ brokerId: engine.nodeId, host, port, rack: rackOf(engine), isFenced: false }],
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? CLUSTER_OPERATIONS
          : NO_OPERATIONS,
      };
    },
    refuse: (_request, error) => ({
      throttleTimeMs: 0,
      errorCode: error.errorCode,
      errorMessage: error.message,
      clusterId: '',
      brokers: [],
    }),
  });
}
