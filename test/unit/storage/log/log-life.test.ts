import { describe, expect, test } from 'vitest';
import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import { LogLife, NOTHING_DOUBTED } from '../../../../src/storage/log/log-life.ts';

const failure = new KafkaError('KAFKA_STORAGE_ERROR', 'the disk is gone');
const later = new KafkaError('KAFKA_STORAGE_ERROR', 'the disk is still gone');
const deleted = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'it was deleted');
const broken = /invariant broken/;

function seen({ state, failure: why, doubtedFrom, deleted: gone }: LogLife) {
  return { state, failure: why, doubtedFrom, deleted: gone };
}

const open = { state: 'open', failure: null, doubtedFrom: NOTHING_DOUBTED, deleted: false };

function failedLog(): LogLife {
  const life = new LogLife();
  life.failed(failure, 10);
  return life;
}

describe('a failure', () => {
  test('is kept, the first of them, until the log is opened anew', () => {
    const life = new LogLife();
    expect(life.failed(failure, NOTHING_DOUBTED)).toBe(true);
    expect(life.failed(later, NOTHING_DOUBTED)).toBe(false);
    expect(seen(life)).toEqual({ ...open, state: 'failed', failure });
    life.reopened();
    expect(seen(life)).toEqual(open);
  });

  test('that comes second may be the one that makes bytes doubtful', () => {
    const life = new LogLife();
    life.failed(failure, NOTHING_DOUBTED);
    life.failed(later, 10);
    life.failed(later, NOTHING_DOUBTED);
    expect(seen(life)).toEqual({ ...open, state: 'failed', failure, doubtedFrom: 10 });
  });

  test('as the log is closed leaves it closed', () => {
    const life = new LogLife();
    expect(life.closing()).toBe(true);
    expect(life.failed(failure, 10)).toBe(true);
    life.closed();
    expect(seen(life)).toEqual({ ...open, state: 'closed', failure, doubtedFrom: 10 });
  });

  test('before the log is closed leaves nothing to be finished', () => {
    const life = failedLog();
    expect(life.closing()).toBe(false);
    life.closed();
    expect(seen(life)).toEqual({ ...open, state: 'closed', failure, doubtedFrom: 10 });
  });
});

describe('a log that is deleted', () => {
  test('stays deleted, however it is closed', () => {
    const life = new LogLife();
    expect(life.delete(deleted)).toBe(deleted);
    expect(life.closing()).toBe(false);
    life.closed();
    expect(seen(life)).toEqual({ ...open, state: 'closed', failure: deleted, deleted: true });
  });

  test('while it is closed is not finished any more', () => {
    const life = new LogLife();
    life.closing();
    life.delete(deleted);
    expect(life.failure).toBe(deleted);
    life.closed();
    expect(life.deleted).toBe(true);
  });

  test('keeps why it failed before', () => {
    const life = failedLog();
    expect(life.delete(deleted)).toBe(failure);
    expect(life.doubtedFrom).toBe(10);
  });
});

describe('no log', () => {
  test('is opened anew that has not failed, or is closed', () => {
    expect(() => new LogLife().reopened()).toThrow(broken);
    const life = failedLog();
    life.closing();
    expect(() => life.reopened()).toThrow(broken);
    life.closed();
    expect(() => life.reopened()).toThrow(broken);
  });

  test('is closed twice, or without being about to', () => {
    const life = new LogLife();
    expect(() => life.closed()).toThrow(broken);
    life.closing();
    expect(() => life.closing()).toThrow(broken);
  });
});
