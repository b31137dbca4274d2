import { describe, expect, test } from 'vitest';
import {
  checkTopicName,
  collisionKey,
  isInternalTopic,
  parsePartitionDirectory,
  partitionDirectory,
} from '../../../src/engine/topic-names.ts';

describe('topic names', () => {
  test.each(['a', 'A.b_c-9', '_', '...', '-', 'x'.repeat(249)])('%j is a name', (name) => {
    expect(() => checkTopicName(name)).not.toThrow();
  });

  test.each([
    '',
    '.',
    '..',
    'x'.repeat(250),
    'a b',
    'ü',
    'a/b',
    'a\\b',
    'a\n',
    '\0',
    '../x',
    'a:b',
  ])('%j is none', (name) => {
    expect(() => checkTopicName(name)).toThrow(
      expect.objectContaining({ code: 'INVALID_TOPIC_EXCEPTION' }),
    );
  });

  test('names that differ in "." and "_" only collide', () => {
    expect(collisionKey('a.b_c')).toBe(collisionKey('a_b.c'));
    expect(collisionKey('a-b')).not.toBe(collisionKey('a_b'));
  });

  test('a directory name gives topic and partition back', () => {
    expect(parsePartitionDirectory(partitionDirectory('a-1', 20))).toEqual({
      topic: 'a-1',
      index: 20,
    });
    for (const name of ['catalogue', 'a-', 'a-01', 'a-1.delete', 'a-1x', '-1', 'a b-1']) {
      expect(parsePartitionDirectory(name), name).toBeNull();
    }
  });

  test("the broker's own topics are known by name", () => {
    expect(isInternalTopic('__consumer_offsets')).toBe(true);
    expect(isInternalTopic('__mine')).toBe(false);
  });
});
