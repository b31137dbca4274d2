// Matchers for vitest and jest: `expect.extend(tidemarkMatchers)`.

import { isDeepStrictEqual } from 'node:util';
import type { ApiName } from '../protocol/index.ts';
import type { TestRecord } from './records.ts';
import { describeRequests } from './request-journal.ts';
import type { TestBroker } from './test-broker.ts';

interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** What a record is to have; fields that are left out may be anything. Objects are compared with the value as JSON. */
export interface ExpectedRecord {
  readonly key?: string | null;
  readonly value?: unknown;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Types for `expect`: `interface Assertion extends TidemarkMatchers {}`. */
export interface TidemarkMatchers<R = unknown> {
  /** The broker was asked so: at least once, or exactly `times`. */
  toHaveReceived(api: ApiName, times?: number): R;
  /** The records are these, in this order. */
  toMatchRecords(expected: readonly ExpectedRecord[]): R;
}

export const tidemarkMatchers = {
  toHaveReceived(broker: TestBroker, api: ApiName, times?: number): MatcherResult {
    const count = broker.requests.filter((one) => one.api === api).length;
    const wanted = times === undefined ? 'a request' : `${times} requests`;
    return {
      pass: times === undefined ? count > 0 : count === times,
      message: () =>
        `expected ${wanted} ${api}, ${count} came; ${describeRequests(broker.requests)}`,
    };
  },

  toMatchRecords(
    records: readonly TestRecord[],
    expected: readonly ExpectedRecord[],
  ): MatcherResult {
    const wrong = expected.findIndex((one, at) => !matches(records[at], one));
    const pass = wrong < 0 && records.length === expected.length;
    return {
      pass,
      message: () => {
        if (pass) return 'expected other records than these';
        if (wrong < 0) return `expected ${expected.length} records, there are ${records.length}`;
        const { key, value, partition, headers } = records[wrong] ?? {};
        const seen = records[wrong] && JSON.stringify({ key, value, partition, headers });
        return `record ${wrong} is ${seen ?? 'missing'}, expected ${JSON.stringify(expected[wrong])}`;
      },
    };
  },
};

function matches(record: TestRecord | undefined, expected: ExpectedRecord): boolean {
  if (record === undefined) return false;
  const { key, value, partition, headers } = expected;
  if (key !== undefined && key !== record.key) return false;
  if (partition !== undefined && partition !== record.partition) return false;
  if (headers !== undefined && !isDeepStrictEqual({ ...record.headers }, { ...headers })) {
    return false;
  }
  return value === undefined || sameValue(record, value);
}

function sameValue(record: TestRecord, value: unknown): boolean {
  if (value === null || typeof value === 'string') return record.value === value;
  try {
    return isDeepStrictEqual(record.json(), JSON.parse(JSON.stringify(value)));
  } catch {
    return false;
  }
}
