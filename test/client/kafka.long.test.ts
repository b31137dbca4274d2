// The same suites on Apache Kafka: a user outgrows one machine by changing an address.

import { adminSuite } from './suites/admin.ts';
import { consumerSuite } from './suites/consumer.ts';
import { groupSuite } from './suites/groups.ts';
import { lifeSuite } from './suites/life.ts';
import { producerSuite } from './suites/producer.ts';
import { onKafka } from './targets.ts';

onKafka({
  producer: producerSuite,
  consumer: consumerSuite,
  groups: groupSuite,
  admin: adminSuite,
  life: lifeSuite,
});
