// `node dist/bench/peers/install.js`: fetches Apache Kafka's jars into the cache folder and says where they are.

import { installKafka } from './jars.ts';

process.stdout.write(`${await installKafka()}\n`);
