// The door of src/compose: the host's disk, clock and sockets wired into the rest.

export { BrokerOptionError } from './addresses.ts';
export {
  type AssembledBroker,
  type AssembleOptions,
  assembleBroker,
  type BrokerPorts,
} from './assemble-broker.ts';
export type {
  BrokerOptions,
  ListenAddress,
  ListenOptions,
  Log,
  LogOptions,
  OpenLog,
  RunningBroker,
} from './broker-options.ts';
export { type ConnectOptions, connect, remoteCluster } from './connect.ts';
export { openBroker } from './open-broker.ts';
export { openLog } from './open-log.ts';
