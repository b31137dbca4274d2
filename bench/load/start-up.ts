// How long a broker takes from its start to the first acknowledged record, and what it needs when idle.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerKind, type PeerBroker, startBroker, usageOf } from '../peers/index.ts';
import { acknowledgedRecord, createTopic, RawClient } from './raw-client.ts';
import type { Figures } from './workloads.ts';

async function measure(broker: PeerBroker, idleMs: number): Promise<Figures> {
  const ready = performance.now();
  const client = await RawClient.connect(broker.port);
  await createTopic(client, 'first', 1);
  await acknowledgedRecord(client, 'first');
  const firstRecordMs = broker.readyMs + performance.now() - ready;
  client.close();
  await sleep(idleMs);
  const before = usageOf(broker.pid);
  await sleep(idleMs);
  const after = usageOf(broker.pid);
  return {
    readyMs: broker.readyMs,
    firstRecordMs,
    idleResidentMb: after.residentBytes / 1e6,
    idleCpuPercent: ((after.cpuSeconds - before.cpuSeconds) / (idleMs / 1e3)) * 100,
  };
}

/** Starts on an empty directory and stops again. `idleMs` is waited before the idle figures are read. */
export async function measureStartUp(kind: BrokerKind, idleMs: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), `bench-start-${kind}-`));
  try {
    const broker = await startBroker({ kind, directory });
    try {
      return await measure(broker, idleMs);
    } finally {
      await broker.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
