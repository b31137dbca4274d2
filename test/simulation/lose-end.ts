import type { CompactionWorld } from './compaction-world.ts';

/** A part of the last file is gone, which the next start finds. `share`: what is left of its bytes. */
export async function loseEnd(world: CompactionWorld, share: number): Promise<void> {
  const base = await world.run(world.activeBase());
  const path = `t-0/${String(base).padStart(20, '0')}.log`;
  world.disk = world.disk.kill();
  const file = await world.run(world.disk.open(path, 'write'));
  const bytes = await world.run(file.size());
  await world.run(file.truncate(Math.floor(bytes * share)));
  await world.run(file.datasync());
  await world.run(file.close());
  await world.run(world.open());
}
