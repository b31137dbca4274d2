// tidemark/testing: a Kafka broker for tests, in the test's own process.

export { TestBrokerError, type TestBrokerErrorCode } from './errors.ts';
export type { FaultScope } from './faults.ts';
export { type ExpectedRecord, type TidemarkMatchers, tidemarkMatchers } from './matchers.ts';
export type { TestRecord, TestRecordInput } from './records.ts';
export type { ReceivedRequest } from './request-journal.ts';
export { type StartBrokerOptions, startBroker } from './start-broker.ts';
export type { TestBroker } from './test-broker.ts';
export type { TestClock } from './test-clock.ts';
export { KafkaContainer, StartedKafkaContainer } from './testcontainers.ts';
export type { TopicSpec, TopicSpecs } from './topics.ts';
export type { WaitFor, WaitOptions } from './wait-for.ts';
