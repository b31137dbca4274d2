// How long a broker takes from its start to the first acknowledged record, and what it needs when idle.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PeerBroker, type System, usageOf } from '../peers/index.ts';
import type { Figures } from '../suite.ts';
import { acknowledgedRecord, createTopic, RawClient } from './raw-client.ts';

async function measure(broker: PeerBroker, began: number, idleMs: number): Promise<Figures> {
  const client = await RawClient.connect(broker.port);
  await createTopic(client, 'first', 1);
  await acknowledgedRecord(client, 'first');
  const firstRecordMs = performance.now() - began;
  const { cpuSeconds } = usageOf(broker.pid);
  client.close();
  await sleep(idleMs);
  const before = usageOf(broker.pid);
  await sleep(idleMs);
  const after = usageOf(broker.pid);
  return {
    readyMs: broker.readyMs,
    firstRecordMs,
    startCpuSeconds: cpuSeconds,
    idleResidentMb: after.residentBytes / 1e6,
    idleCpuPercent: ((after.cpuSeconds - before.cpuSeconds) / (idleMs / 1e3)) * 100,
  };
}

/**
 * Starts on an empty directory and stops again. The first record counts from the empty directory on, Kafka's formatting
 * included; `readyMs` from the start of the process. `idleMs` is waited before the idle figures are read.
 */
export async function measureStartUp(system: System, idleMs: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), `bench-start-${system.name}-`));
  try {
    const began = performance.now();
    const broker = await system.start(directory);
    try {
      return await measure(broker, began, idleMs);
    } finally {
      await broker.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
