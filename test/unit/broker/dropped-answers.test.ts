// Answers that an interceptor keeps back, or that cannot be encoded, let go of the files that they hold.

import { beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import type { RequestContext } from '../../../src/broker/handler.ts';
import type { RequestInterceptor } from '../../../src/broker/interceptor.ts';
import { BrokerMetrics } from '../../../src/broker/metrics.ts';
import { Router } from '../../../src/broker/router.ts';
import { Fetch } from '../../../src/protocol/index.ts';

let released: number;
let goOn: () => void;
const context = {} as RequestContext;

beforeEach(() => {
  released = 0;
});

const region = { byteLength: 10, source: null, release: () => released++ };
const answer = () => ({ responses: [{ partitions: [{ records: region }, { records: null }] }] });

/** What a fetch is answered with; its handler waits for `goOn`. */
async function fetched(intercept: RequestInterceptor, waits = false): Promise<unknown> {
  const router = new Router(new BrokerMetrics(), silentLogger, intercept);
  const ready = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const handler = {
    api: Fetch,
    handle: async () => {
      if (waits) await ready;
      return answer();
    },
    refuse: () => ({ refused: true }),
  };
  return new Promise((answered) => {
    router.dispatch(handler as never, {}, context, answered);
  });
}

test('the handler answer that is sent is kept', async () => {
  expect(await fetched((call) => call.proceed())).toEqual(answer());
  expect(released).toBe(0);
});

test('an answer that is lost, replaced or followed by a failure is let go of', async () => {
  const losing: RequestInterceptor = async (call) => {
    await call.proceed();
    return null;
  };
  expect(await fetched(losing)).toBeNull();
  expect(released).toBe(1);
  const failing: RequestInterceptor = async (call) => {
    await call.proceed();
    throw new Error('the test says so');
  };
  expect(await fetched(failing)).toEqual({ refused: true });
  expect(released).toBe(2);
});

test('so is one that comes when another has been given', async () => {
  const impatient: RequestInterceptor = async (call) => {
    void call.proceed();
    return null;
  };
  expect(await fetched(impatient, true)).toBeNull();
  expect(released).toBe(0);
  goOn();
  await new Promise((resolve) => setImmediate(resolve));
  expect(released).toBe(1);
});
