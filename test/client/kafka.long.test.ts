// The same suites on Apache Kafka: a user outgrows one machine by changing an address.

import { producerSuite } from './suites/producer.ts';
import { onKafka } from './targets.ts';

onKafka({ producer: producerSuite });
