// What is said of configs that a broker refused.

import { expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { refusedConfigs } from '../../../src/cli/config/refused.ts';

const refused = new KafkaError('INVALID_CONFIG', 'the broker does not take it');

test.each([
  [['retention.ms'], /^times and sizes may have a unit, as 7d or 64MiB; "tidemark config show/],
  [['retetion.ms'], /^did you mean retention\.ms\? "tidemark config show/],
])('of %j', (names, nextStep) => {
  expect(refusedConfigs(refused, 'topic', names)).toMatchObject({
    nextStep: expect.stringMatching(nextStep),
  });
});

test('of what has no unit, and of no configs, nothing is added', () => {
  expect(refusedConfigs(refused, 'topic', ['cleanup.policy'])).toBe(refused);
  const other = new KafkaError('INVALID_TOPIC_EXCEPTION', 'a name of no topic');
  expect(refusedConfigs(other, 'topic', [])).toBe(other);
  expect(refusedConfigs(refused, 'topic', [])).toBe(refused);
});
