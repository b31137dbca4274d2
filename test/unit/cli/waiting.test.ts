// A command that waits says what for and until when; one that does not wait long says nothing.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Waiting } from '../../../src/cli/waiting.ts';
import { ClientError, type Network } from '../../../src/client/index.ts';
import { Fetch, Metadata, type Transport } from '../../../src/protocol/index.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function make(): { waiting: Waiting; said: string[] } {
  const said: string[] = [];
  const times = { requestTimeoutMs: 30_000, connectTimeoutMs: 10_000 };
  return { waiting: new Waiting((line) => said.push(line), times), said };
}

/** A broker that never answers. */
function silent(): Network {
  const never = (): Promise<never> => new Promise(() => {});
  const transport: Transport = { send: never, versions: never, close: () => Promise.resolve() };
  return {
    entries: () => [transport],
    to: () => transport,
    fork: silent,
    close: async () => {},
    copies: false,
  };
}

test('whether requests are copied is as the network below says', () => {
  const { waiting } = make();
  const watched = waiting.watch({ ...silent(), copies: true }, []);
  expect([watched.copies, watched.fork().copies]).toEqual([true, false]);
});

test('a broker that does not answer is named, with the request and the time that is left', () => {
  const { waiting, said } = make();
  const [entry] = waiting.watch(silent(), [{ host: 'there', port: 9092 }]).entries();
  void entry?.versions(Metadata);
  void entry?.send(Metadata, { topics: null }, { timeoutMs: 12_000 });
  vi.advanceTimersByTime(1_900);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(said).toEqual([
    'waiting for a connection to there:9092, for 8 s more',
    'waiting for there:9092 to answer Metadata, for 10 s more',
  ]);
});

test('a fetch that waits for records is nothing to tell', () => {
  const { waiting, said } = make();
  const [entry] = waiting.watch(silent(), [{ host: 'there', port: 9092 }]).entries();
  void entry?.send(Fetch, { maxWaitMs: 500, minBytes: 1, topics: [] });
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
});

test('trouble is told when it has lasted, then now and then, and from the start when it comes again', () => {
  const { waiting, said } = make();
  const error = new ClientError('cannot_connect', 'nothing listens there');
  const trouble = (forMs: number): void => {
    for (let ms = 0; ms < forMs; ms += 500) {
      waiting.hear(error, 60_000 - ms);
      vi.advanceTimersByTime(500);
    }
  };
  trouble(2_000);
  expect(said).toEqual([]);
  trouble(1_000);
  expect(said).toEqual(['still trying after 2 s, for 60 s more: nothing listens there']);
  trouble(30_000);
  expect(said.length).toBe(2);
  vi.advanceTimersByTime(6_000);
  waiting.hear(error, Number.POSITIVE_INFINITY);
  expect(said.length).toBe(2);
  vi.advanceTimersByTime(2_500);
  waiting.hear(error, Number.POSITIVE_INFINITY);
  expect(said.at(-1)).toBe('still trying after 3 s, until you end it: nothing listens there');
});
