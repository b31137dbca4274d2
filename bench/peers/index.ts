// The other systems that tests and benchmarks run beside ours: Apache Kafka from Maven Central, those given by their
// command, and our own broker as a child process. Tests import from here; nothing here imports from the tests.

export {
  answersApiVersions,
  type BrokerConfig,
  type BrokerKind,
  type PeerBroker,
  type StartOptions,
  startBroker,
  testTarget,
  tidemarkCommand,
  withLastWords,
} from './broker.ts';
export {
  type ChildOptions,
  type ChildResult,
  exitOf,
  freePort,
  runChild,
  spawnOwned,
  tailOf,
  waitUntil,
} from './child.ts';
export { deviceWrittenBytes } from './device.ts';
export { GIVEN, type GivenPeer, knownPeers, PORT, readGiven, shownCommand } from './given.ts';
export { installables, installPeers } from './install.ts';
export {
  findKafkaLibs,
  installKafka,
  type JavaOptions,
  javaArguments,
  KAFKA_VERSION,
  kafkaLibsFolder,
  peersFolder,
  projectRoot,
  runJava,
} from './jars.ts';
export {
  findLibrdkafka,
  installLibrdkafka,
  LIBRDKAFKA_VERSION,
  type Librdkafka,
} from './librdkafka.ts';
export {
  installClients,
  type OtherServer,
  type OtherSystem,
  otherSystems,
} from './others.ts';
export { findProgram, installCommand, programFault } from './programs.ts';
export { shellQuoted } from './shell.ts';
export { ourSystems, peerSystems, type System } from './systems.ts';
export { removeFolder, temporaryFolder } from './temporary.ts';
export {
  firstThreadOf,
  type MachineUsage,
  machineUsage,
  type ProcessUsage,
  processorTimeSource,
  type ThreadUsage,
  usageOf,
} from './usage.ts';
