// A peer that fails in the suite `restart` does not go on running beside what is measured next.

import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { measureSystems } from '../../../bench/load/restart.ts';
import type { PeerBroker, System } from '../../../bench/peers/index.ts';
import { startBroker } from '../../../src/testing/index.ts';
import { recording } from './recording.ts';

/** A peer that starts so often, and then does not any more. */
function peer(starts: number): { readonly system: System; running: number; folders: string[] } {
  const state = { running: 0, folders: [] as string[] };
  const start = async (directory = ''): Promise<PeerBroker> => {
    if (state.folders.length === starts) throw new Error('does not start');
    state.folders.push(directory);
    const broker = await startBroker();
    state.running += 1;
    const end = async (): Promise<void> => {
      state.running -= 1;
      await broker.close();
    };
    const port = Number(broker.bootstrap.split(':')[1]);
    const ends = { kill: end, stop: end, stopKeepingData: end };
    return { ...ends, port, pid: process.pid, readyMs: 1 } as unknown as PeerBroker;
  };
  const system = { name: 'kafka', title: 'Kafka', start } as unknown as System;
  return Object.assign(state, { system });
}

test.each([
  ['does not start again', 1],
  ['comes back without its topic', 2],
])('one that %s is gone with its data', async (_, starts) => {
  const { run, told } = recording();
  const failing = peer(starts);
  await measureSystems(run, [failing.system], { bytes: 1_000_000 });
  expect(told).toEqual([
    expect.stringMatching(/^missing kafka: restart: (does not start|partitions are missing)$/),
  ]);
  expect(failing.running).toBe(0);
  expect(failing.folders.some((folder) => existsSync(folder))).toBe(false);
});
