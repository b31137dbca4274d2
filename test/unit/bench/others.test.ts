// The suite `others`: what redis-benchmark says is kept, and one server that fails does not cost the others.

import { expect, test } from 'vitest';
import { measureOthers, redisFigures, rows } from '../../../bench/load/others.ts';
import type { OtherSystem } from '../../../bench/peers/index.ts';
import { recording } from './recording.ts';

test('rate and percentiles of redis-benchmark are kept', () => {
  const head =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';
  const line = '"XADD bench * v, ""v""","1234.50","0.5","0.1","0.399","0.8","1.103","2.0"';
  expect(redisFigures(`${head}\n${line}\n`)).toEqual({
    perSecond: 1234.5,
    p50Ms: 0.399,
    p99Ms: 1.103,
  });
  expect(() => redisFigures('Could not connect')).toThrow('redis-benchmark said Could not');
});

test('a server that does not start is named as missing, and asked no more; the others are measured', async () => {
  const { run, told } = recording({ rounds: 2 });
  const failing = (name: OtherSystem['product']): OtherSystem => ({
    name,
    product: name,
    synced: false,
    title: name,
    start: () => Promise.reject(new Error('no port')),
  });
  await measureOthers(run, [failing('redis'), failing('nats')], rows.slice(0, 1));
  const [row] = rows;
  expect(told).toEqual([
    `missing redis: ${row?.name}: no port`,
    `missing nats: ${row?.name}: no port`,
  ]);
});
