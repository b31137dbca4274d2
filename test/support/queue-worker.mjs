// A worker of a work queue, in a process of its own so that it can be killed: takes records of a topic as a member of a
// group, works on each for a while, and prints `partition offset value` when it is done with it. It commits what it has
// done and nothing else, so whoever goes on after it may repeat records but misses none.
//
// Arguments: bootstrap, topic, group, name, milliseconds of work a record.

import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

const [bootstrap, topic, groupId, clientId, workMs] = process.argv.slice(2);
const kafka = new Kafka({ clientId, brokers: [bootstrap], logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 1500,
  heartbeatInterval: 200,
  rebalanceTimeout: 5000,
  maxWaitTimeInMs: 50,
  maxBytesPerPartition: 2048,
});
process.on('SIGTERM', () => void consumer.disconnect().then(() => process.exit(0)));
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  autoCommitThreshold: 20,
  eachMessage: async ({ partition, message }) => {
    await sleep(Number(workMs));
    // Pipes are written at once: what is printed is seen, whatever becomes of this process.
    process.stdout.write(`${partition} ${message.offset} ${message.value}\n`);
  },
});
