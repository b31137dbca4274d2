// Kafka's own classes read what we encode and write it again: the bytes must be the same, for every
// message and version. Needs Kafka's jars (KAFKA_LIBS, or where `npm run bench -- install kafka` puts them) and Java 17.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findKafkaLibs } from '../../bench/peers/index.ts';
import { encodeMessage } from '../../src/protocol/index.ts';
import { structValue, versionsOfMessages } from '../property/protocol-arbitrary.ts';
import { fc } from '../support/fast-check.ts';
import { testSeed } from '../support/test-seed.ts';

const libs = findKafkaLibs();
const seed = testSeed();

test.skipIf(libs === undefined)('Kafka reads and writes the same bytes', () => {
  const lines = versionsOfMessages.flatMap(([name, version, message]) =>
    fc
      .sample(structValue(message.fields, version), { numRuns: 20, seed })
      .map(
        (value) => `${name} ${version} ${encodeMessage(message, version, value).toString('hex')}`,
      ),
  );
  const source = fileURLToPath(new URL('./definitions-reencode.java', import.meta.url));
  const answers = execFileSync('java', ['-cp', `${libs}/*`, source], {
    input: lines.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1024 * 1024 * 1024,
  }).split('\n');
  const wrong = lines
    .map((line, i) => ({ line, answer: answers[i] }))
    .filter(({ line, answer }) => line.split(' ')[2] !== answer);
  expect(wrong, `replay with TIDEMARK_SEED=${seed}`).toEqual([]);
});
