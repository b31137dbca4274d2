// Announcements of one process stand for those of several containers: nothing else keeps them apart.

import { once } from 'node:events';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Announcement } from '../../../src/host/lock-announcement.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-announced-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Sockets whose processes were killed: closed without having been removed. */
async function leaveBehind(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const path = join(directory, `.lock.${index}`);
    const server = createServer().listen(`${path}.new`);
    await once(server, 'listening');
    renameSync(`${path}.new`, path);
    server.close();
    await once(server, 'close');
  }
}

describe.runIf(process.platform === 'linux')('an announcement', () => {
  test('keeps others out until it is withdrawn, and leaves nothing', async () => {
    const [first, second] = [new Announcement(directory), new Announcement(directory)];
    expect(await first.make()).toBe(true);
    expect(readdirSync(directory)).toHaveLength(1);
    expect(await second.make()).toBe(false);
    expect(readdirSync(directory)).toHaveLength(1);
    await first.withdraw();
    expect(await second.make()).toBe(true);
    await second.withdraw();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('removes what was left behind', async () => {
    await leaveBehind(3);
    expect(readdirSync(directory)).toHaveLength(3);
    const next = new Announcement(directory);
    expect(await next.make()).toBe(true);
    expect(readdirSync(directory)).toHaveLength(1);
    await next.withdraw();
  });

  test('is never two at a time, whoever starts together on what was left behind', async () => {
    for (let round = 0; round < 40; round++) {
      await leaveBehind(2);
      const all = Array.from({ length: 4 }, () => new Announcement(directory));
      const went = await Promise.all(all.map((one) => one.make()));
      expect(went.filter((alone) => alone).length).toBeLessThanOrEqual(1);
      for (const one of all) await one.withdraw();
      const next = new Announcement(directory);
      expect(await next.make()).toBe(true);
      await next.withdraw();
      expect(readdirSync(directory)).toEqual([]);
    }
  });
});
