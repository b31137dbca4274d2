// The door of the broker layer: requests in, responses out, over whatever carries them.
//
// - broker.ts: puts the parts together; connection.ts, connection-set.ts, frame-reader.ts,
//   memory-gate.ts: the wire side
// - router.ts, handler.ts, handlers/NN-name.ts: one file per API; its head says what is done and
//   what is not
// - fetch/: sessions (KIP-227), reading within limits, waiting for commits
// - in-process-transport.ts: the same handlers without a socket

export { Broker, type BrokerSettings } from './broker.ts';
export { InProcessError, type InProcessErrorCode } from './in-process-transport.ts';
export type { InterceptedRequest, RequestInterceptor } from './interceptor.ts';
export { counter, gauge, type Metric, metricsText } from './metrics.ts';
export type { Endpoint } from './services.ts';
export type { PeerHandler, PeerSocket } from './socket.ts';
