import { describe, expect, test } from 'vitest';
import { KafkaError } from '../../../../src/base/kafka-errors.ts';
import { LogLife } from '../../../../src/storage/log/log-life.ts';
import { Segment } from '../../../../src/storage/segment/segment.ts';

const failure = new KafkaError('KAFKA_STORAGE_ERROR', 'the disk is gone');
const later = new KafkaError('KAFKA_STORAGE_ERROR', 'the disk is still gone');
const deleted = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'it was deleted');
const broken = /invariant broken/;
const place = (offset: number) => ({ offset, segment: new Segment('t-0', 0, 0), position: 700 });
const at10 = place(10);

function seen({ state, failure: why, believed, deleted: gone }: LogLife) {
  return { state, failure: why, believed, deleted: gone };
}

const open = { state: 'open', failure: null, believed: null, deleted: false };

function failedLog(): LogLife {
  const life = new LogLife();
  life.failed(failure, at10);
  return life;
}

describe('a failure', () => {
  test('is kept, the first of them, until the log is opened anew', () => {
    const life = new LogLife();
    expect(life.failed(failure, null)).toBe(true);
    expect(life.failed(later, null)).toBe(false);
    expect(seen(life)).toEqual({ ...open, state: 'failed', failure });
    life.reopened();
    expect(seen(life)).toEqual(open);
  });

  test('that comes second may be the one that makes bytes doubtful', () => {
    const life = new LogLife();
    life.failed(failure, null);
    life.failed(later, at10);
    life.failed(later, null);
    life.failed(later, place(11));
    expect(seen(life)).toEqual({ ...open, state: 'failed', failure, believed: at10 });
  });

  test('stays when other files are shown, with what may be believed of them', () => {
    const life = failedLog();
    life.shown(null);
    expect(seen(life)).toEqual({ ...open, state: 'failed', failure });
  });

  test('as the log is closed leaves it closed', () => {
    const life = new LogLife();
    expect(life.closing()).toBe(true);
    expect(life.failed(failure, at10)).toBe(true);
    life.closed();
    expect(seen(life)).toEqual({ ...open, state: 'closed', failure, believed: at10 });
  });

  test('before the log is closed leaves nothing to be finished', () => {
    const life = failedLog();
    expect(life.closing()).toBe(false);
    life.closed();
    expect(seen(life)).toEqual({ ...open, state: 'closed', failure, believed: at10 });
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
    expect(life.believed).toBe(at10);
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
