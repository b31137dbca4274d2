// Classic groups under faults. In every run: no partition has two owners in one generation, acknowledged offsets never
// go back, the group settles within its timeouts once faults stop and then stays as it is, and the log, compacted or
// not, gives the same group again.
//
// Replay a seed:  SEED=123 npx vitest run --config test/vitest.config.ts test/simulation/coordinator-classic.test.ts
// More seeds:     SEEDS=5000 (the same command); the long suites run as many as CLASSIC_SEEDS says

import { expect, test } from 'vitest';
import { amount } from '../support/amount.ts';
import {
  type Consumer,
  groupId,
  rebalanceTimeoutMs,
  sessionTimeoutMs,
  World,
} from './coordinator-classic-world.ts';

const replay = (seed: number): string =>
  `replay: SEED=${seed} npx vitest run --config test/vitest.config.ts ` +
  'test/simulation/coordinator-classic.test.ts';

/** Members dead at the end, parked joins, one rebalance in the way and one to settle, and the clients' own pauses. */
const settleMs = 2 * (sessionTimeoutMs + rebalanceTimeoutMs) + 20_000;

async function chaos(world: World, rounds: number): Promise<void> {
  const { random, clock } = world;
  for (let round = 0; round < rounds; round++) {
    await clock.advance(random.below(2_500));
    const draw = random.next();
    const victim = world.alive[random.below(Math.max(1, world.alive.length))];
    if (draw < 0.3 || victim === undefined) arrive(world, victim);
    else if (draw < 0.45) victim.crash();
    else if (draw < 0.55) void victim.leave();
    else if (draw < 0.65) victim.rejoin = true;
    else if (draw < 0.72) world.restart();
    else if (draw < 0.78) clock.jump(random.below(7_200_000) - 3_600_000);
  }
}

function arrive(world: World, other: Consumer | undefined): void {
  if (world.alive.length >= 8) return;
  if (!world.random.chance(0.4)) {
    world.add();
    return;
  }
  const instance = `static ${world.random.below(3)}`;
  const holder = world.alive.find((consumer) => consumer.instanceId === instance);
  // Usually a restart of the old one; sometimes a twin, which fences it.
  if (holder !== undefined && other !== holder) holder.crash();
  world.add(instance);
}

async function checkSettled(world: World): Promise<void> {
  const { group } = await world.view();
  const alive = world.alive;
  expect(group.groupState).toBe(alive.length > 0 ? 'Stable' : 'Empty');
  expect(group.members.map((member) => member.memberId).sort()).toEqual(
    alive.map((consumer) => consumer.memberId).sort(),
  );
  expect(alive.every((consumer) => consumer.stable)).toBe(true);
  expect(new Set(alive.map((consumer) => consumer.generation)).size).toBeLessThanOrEqual(1);
  const owned = alive.flatMap((consumer) => consumer.owned).sort((a, b) => a - b);
  const all = Array.from({ length: alive.length > 0 ? world.partitions : 0 }, (_, i) => i);
  expect(owned).toEqual(all);
}

async function checkReplay(world: World): Promise<void> {
  const live = await world.view();
  for (const entries of [world.log.entries, world.log.compacted()]) {
    const again = await world.replayed(entries);
    expect(await world.view(again)).toEqual(live);
    again.close();
  }
}

async function run(seed: number): Promise<World> {
  const world = new World(seed, 1 + (seed % 9));
  for (let index = 0; index < 1 + world.random.below(5); index++) world.add();
  await chaos(world, 40);
  world.faults = false;
  world.log.faults = false;
  await world.clock.advance(settleMs);
  await checkSettled(world);
  // Nothing happens any more, so nothing may change: no rebalance without a cause.
  const { group } = await world.view();
  const generation = world.alive[0]?.generation;
  await world.clock.advance(30_000);
  expect((await world.view()).group).toEqual(group);
  expect(world.alive[0]?.generation).toBe(generation);
  await checkSettled(world);
  await checkReplay(world);
  for (const consumer of world.alive) consumer.crash();
  world.coordinator.close();
  expect(world.problems).toEqual([]);
  return world;
}

const CROWD = amount(100, 300);

const chosen = process.env['SEED'];
const count = Number(process.env['SEEDS'] ?? process.env['CLASSIC_SEEDS'] ?? 10);
const seeds = chosen === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [+chosen];

test(`${seeds.length} seeds of members, faults and restarts`, { timeout: 600_000 }, async () => {
  let generations = 0;
  let commits = 0;
  let restarts = 0;
  for (const seed of seeds) {
    try {
      const world = await run(seed);
      generations += world.generations;
      commits += world.commits;
      restarts += world.restarts;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed} of group "${groupId}": ${text}\n${replay(seed)}`, {
        cause: error,
      });
    }
  }
  // The runs did what they are for.
  expect(generations).toBeGreaterThan(2 * seeds.length);
  expect(commits).toBeGreaterThan(10 * seeds.length);
  if (chosen === undefined) expect(restarts).toBeGreaterThan(seeds.length / 2);
});

test(`${CROWD} members with faults settle, and one after another they all leave`, async () => {
  const world = new World(300, amount(300, 1_000));
  for (let index = 0; index < CROWD; index++) world.add(index % 3 === 0 ? `static ${index}` : null);
  await world.clock.advance(30_000);
  world.restart();
  await world.clock.advance(10_000);
  world.faults = false;
  world.log.faults = false;
  await world.clock.advance(settleMs);
  await checkSettled(world);
  expect(world.alive).toHaveLength(CROWD);
  await checkReplay(world);
  for (const consumer of world.alive) void consumer.leave();
  await world.clock.advance(settleMs);
  await checkSettled(world);
  await checkReplay(world);
  world.coordinator.close();
  expect(world.problems).toEqual([]);
});
