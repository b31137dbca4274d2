// The same suites on Apache Kafka: a user outgrows one machine by changing an address.

import { consumerSuite } from './suites/consumer.ts';
import { groupSuite } from './suites/groups.ts';
import { producerSuite } from './suites/producer.ts';
import { onKafka } from './targets.ts';

onKafka({ producer: producerSuite, consumer: consumerSuite, groups: groupSuite });
