// Bugs that the simulation found, each as the smallest history that shows it.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { FaultyDisk } from '../unit/engine/support/faulty-disk.ts';

function openOn(disk: FaultyDisk): Promise<Engine> {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  return openEngine({ disk, root: 'test', clock, random, logger: silentLogger });
}

const names = (engine: Engine): string[] => engine.topics().map(({ name }) => name);

describe('deleting a topic', () => {
  test('whose directory cannot be renamed nor read does not bring it back', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({ name: 'passing', partitions: 1 });
    disk.refuse = (operation, path) =>
      path.startsWith('passing-0') && (operation === 'rename' || operation === 'open');
    await before.deleteTopic('passing');
    disk.refuse = () => false;
    await before.close();
    const after = await openOn(disk);
    expect(names(after)).toEqual([]);
    await after.close();
  });

  test('nor does it when its directory cannot be read at the next start', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({ name: 'passing', partitions: 1 });
    const unreadable = (operation: string, path: string): boolean =>
      path.startsWith('passing-0') && (operation === 'rename' || operation === 'open');
    disk.refuse = unreadable;
    await before.deleteTopic('passing');
    await before.close();
    await (await openOn(disk)).close();
    disk.refuse = () => false;
    const after = await openOn(disk);
    expect(names(after)).toEqual([]);
    await after.close();
  });
});

describe('a catalogue that the disk will not read', () => {
  test('stops the start, since configs and groups would be lost with it', async () => {
    const disk = new FaultyDisk();
    const before = await openOn(disk);
    await before.createTopic({
      name: 'kept',
      partitions: 1,
      configs: new Map([['segment.ms', '777']]),
    });
    const { clusterId } = before;
    await before.close();
    disk.refuse = (operation, path) => operation === 'read' && path.startsWith('catalogue/');
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'io_error' });
    disk.refuse = () => false;
    const after = await openOn(disk);
    expect(after.clusterId).toBe(clusterId);
    expect(after.topic('kept')?.configs.get('segment.ms')).toBe('777');
    await after.close();
  });
});
