// One measurement in a process of its own: `node worker.js '<task as JSON>'` prints the figures as JSON.

import { clients } from './clients.ts';

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
}

/** Part of the records that warm up the code, and are not measured. */
const WARM = 0.2;

async function measure(task: Task): Promise<Measured> {
  const open = clients[task.client];
  if (open === undefined) throw new Error(`there is no client '${task.client}'`);
  const client = await open(task.at);
  const { topic, count } = task;
  const value = Buffer.alloc(task.valueBytes, 'tidemark ');
  let began = { at: 0, cpu: process.cpuUsage() };
  const begin = (): void => {
    began = { at: performance.now(), cpu: process.cpuUsage() };
  };
  if (task.work === 'consume') {
    // In process nobody else can have filled it.
    if (task.client.startsWith('in process')) await client.produceMany(topic, value, count);
    await client.consume(topic, Math.ceil(count * WARM), () => {});
    // A client may decode much before it gives the first record, and waits for its group before that: the processor's
    // time counts from the call, the other from the first record.
    begin();
    const { cpu } = began;
    await client.consume(topic, count, begin);
    began = { ...began, cpu };
  } else {
    const produce = task.work === 'batches' ? client.produceMany : client.produceSingly;
    await produce(topic, value, Math.ceil(count * WARM));
    begin();
    await produce(topic, value, count);
  }
  const seconds = (performance.now() - began.at) / 1e3;
  const { user, system } = process.cpuUsage(began.cpu);
  await client.close();
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

const measured = await measure(JSON.parse(process.argv[2] ?? '{}') as Task);
process.stdout.write(JSON.stringify(measured));
process.exit(0);
