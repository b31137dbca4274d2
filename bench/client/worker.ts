// One measurement in a process of its own: `node worker.js '<task as JSON>'` prints the figures as JSON.

import type { Stretch } from '../report/profile.ts';
import { type BenchClient, clients } from './clients.ts';

export interface Task {
  readonly client: string;
  /** Of the broker; a directory for the durable log in process. */
  readonly at: string;
  readonly topic: string;
  readonly work: 'single sends' | 'batches' | 'consume';
  readonly count: number;
  readonly valueBytes: number;
}

export interface Measured {
  readonly seconds: number;
  /** Of this process, user and system, over the measured part: for the log in process, of the broker too. */
  readonly cpuSeconds: number;
  /** In which that time counts. */
  readonly stretch: Stretch;
}

/** Part of the records that warm up the code, and are not measured. */
const WARM = 0.5;
/**
 * Single sends are warmed up by so many clients at once: each waits for the broker most of the time, and code that ran
 * a few hundred times is not yet what V8 makes of it.
 */
const WARM_CLIENTS = 8;
/** Single sends of each of them, at the full count. */
const WARM_SENDS = 0.8;

/** `CLOCK_MONOTONIC`, as V8's profiles count. */
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

async function measure(task: Task): Promise<Measured> {
  const open = clients[task.client];
  if (open === undefined) throw new Error(`there is no client '${task.client}'`);
  const client = await open(task.at);
  const { topic, count } = task;
  const inProcess = task.client.startsWith('in process');
  const value = Buffer.alloc(task.valueBytes, 'tidemark ');
  let began = { at: 0, cpu: process.cpuUsage(), fromUs: nowUs() };
  const begin = (): void => {
    began = { at: performance.now(), cpu: process.cpuUsage(), fromUs: nowUs() };
  };
  if (task.work === 'consume') {
    // In process nobody else can have filled it.
    if (inProcess) await client.produceMany(topic, value, count);
    await client.consume(topic, Math.ceil(count * WARM), () => {});
    // A client may decode much before it gives the first record, and waits for its group before that: the processor's
    // time counts from the call, the other from the first record.
    begin();
    const { cpu, fromUs } = began;
    await client.consume(topic, count, begin);
    began = { ...began, cpu, fromUs };
  } else {
    if (task.work === 'batches') await client.produceMany(topic, value, Math.ceil(count * WARM));
    else await warmSends(client, task, inProcess ? null : open, value);
    begin();
    await (task.work === 'batches' ? client.produceMany : client.produceSingly)(
      topic,
      value,
      count,
    );
  }
  const seconds = (performance.now() - began.at) / 1e3;
  const { user, system } = process.cpuUsage(began.cpu);
  const stretch = { fromUs: began.fromUs, toUs: nowUs() };
  await client.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, stretch };
}

async function warmSends(
  client: BenchClient,
  { at, topic, count }: Task,
  open: ((at: string) => Promise<BenchClient>) | null,
  value: Buffer,
): Promise<void> {
  if (open === null) return client.produceSingly(topic, value, count);
  const many = await Promise.all(Array.from({ length: WARM_CLIENTS }, () => open(at)));
  const sends = Math.ceil(count * WARM_SENDS);
  await Promise.all(many.map((one) => one.produceSingly(topic, value, sends)));
  await Promise.all(many.map((one) => one.close()));
}

const measured = await measure(JSON.parse(process.argv[2] ?? '{}') as Task);
process.stdout.write(JSON.stringify(measured));
process.exit(0);
