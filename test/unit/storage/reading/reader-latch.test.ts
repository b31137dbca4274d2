import { expect, test } from 'vitest';
import { ReaderLatch } from '../../../../src/storage/reading/reader-latch.ts';

function gate(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { wait, open };
}

test('an exchange waits for readers inside, and readers who come meanwhile wait for it', async () => {
  const latch = new ReaderLatch();
  const order: string[] = [];
  const reading = gate();
  const exchanging = gate();
  const first = latch.shared(async () => {
    await reading.wait;
    order.push('first read');
  });
  const exchange = latch.exclusive(async () => {
    order.push('exchange');
    await exchanging.wait;
    order.push('exchanged');
  });
  const second = latch.shared(async () => {
    order.push('second read');
  });
  await Promise.resolve();
  expect(order).toEqual([]);
  reading.open();
  await first;
  await Promise.resolve();
  expect(order).toEqual(['first read', 'exchange']);
  exchanging.open();
  await Promise.all([exchange, second]);
  expect(order).toEqual(['first read', 'exchange', 'exchanged', 'second read']);
});

test('a reader or an exchange that throws leaves it open', async () => {
  const latch = new ReaderLatch();
  const fail = () => Promise.reject(new Error('no'));
  await expect(latch.shared(fail)).rejects.toThrow('no');
  await expect(latch.exclusive(fail)).rejects.toThrow('no');
  expect(await latch.shared(async () => 1)).toBe(1);
});

test('broken, it refuses readers until it is healed', async () => {
  const latch = new ReaderLatch();
  latch.break(new Error('names and memory differ'));
  await expect(latch.shared(async () => 1)).rejects.toThrow('names and memory differ');
  latch.heal();
  expect(await latch.shared(async () => 1)).toBe(1);
});
