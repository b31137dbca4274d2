// Clients are compared doing the same: those that read a topic are members of a group.

import { expect, test } from 'vitest';
import { clients } from '../../../bench/client/clients.ts';
import { connect } from '../../../src/index.ts';
import { startBroker } from '../../../src/testing/index.ts';

const RECORDS = 20;

test.each(['tidemark', 'kafkajs'])('%s reads in a group', async (name) => {
  const broker = await startBroker({ topics: { read: 1 } });
  const watcher = await connect(broker.bootstrap);
  const client = await clients[name]?.(broker.bootstrap);
  if (client === undefined) throw new Error(`no client ${name}`);
  try {
    await client.produceMany('read', Buffer.from('value'), RECORDS);
    let groups: Promise<{ readonly id: string }[]> | undefined;
    await client.consume('read', RECORDS, () => {
      groups = watcher.admin().listGroups();
    });
    expect((await groups)?.map(({ id }) => id)).toEqual([`bench-${process.pid}-${RECORDS}`]);
  } finally {
    await client.close();
    await watcher.close();
    await broker.close();
  }
});
