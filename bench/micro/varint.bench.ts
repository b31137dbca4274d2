// Variable-length integers: what every record, header and flexible field pays. 1,000 values a call.

import { Bench } from 'tinybench';
import {
  readVarint,
  readVarlong,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../src/base/varint.ts';
import { sink, type Timing } from './timing.ts';

const COUNT = 1000;
const ranges = [
  { name: '1 byte', value: (i: number) => i % 60 },
  { name: '2 bytes', value: (i: number) => 100 + i },
  { name: '5 bytes', value: (i: number) => 2_000_000_000 + i },
];

/** Tasks are named by operation and encoded size; an operation handles 1,000 values. */
export function varintSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  for (const { name, value } of ranges) {
    const values = Array.from({ length: COUNT }, (_, i) => value(i));
    const bytes = Buffer.alloc(COUNT * 10);
    bench.add(`write varint ${name}`, () => {
      let position = 0;
      for (const v of values) position = writeVarint(bytes, position, v);
      sink.value += position;
    });
    const encoded = Buffer.alloc(COUNT * 10);
    let end = 0;
    for (const v of values) end = writeVarint(encoded, end, v);
    bench.add(`read varint ${name}`, () => {
      const cursor = { position: 0 };
      let sum = 0;
      while (cursor.position < end) sum += readVarint(encoded, cursor, end);
      sink.value += sum;
    });
    bench.add(`read varlong ${name}`, () => {
      const cursor = { position: 0 };
      let sum = 0;
      while (cursor.position < end) sum += readVarlong(encoded, cursor, end);
      sink.value += sum;
    });
  }
  const times = Array.from({ length: COUNT }, (_, i) => 1_700_000_000_000 + i);
  const bytes = Buffer.alloc(COUNT * 10);
  bench.add('write varlong, a timestamp', () => {
    let position = 0;
    for (const v of times) position = writeVarlong(bytes, position, v);
    sink.value += position;
  });
  bench.add('size of varlong, a timestamp', () => {
    let sum = 0;
    for (const v of times) sum += varlongSize(v);
    sink.value += sum;
  });
  return bench;
}
