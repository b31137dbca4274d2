// One run of the mixed world: chaos, then calm; in the end the group must be settled, still, and the same when its log
// is read again. Throws with what went wrong.

import { expect } from 'vitest';
import { loadRegexEngine } from '../../src/coordinator/group/consumer/regex.ts';
import {
  rebalanceTimeoutMs,
  type SimMember,
  sessionTimeoutMs,
} from './coordinator-mixed-member.ts';
import { compacted, MixedWorld } from './coordinator-mixed-world.ts';

/** Members dead at the end, parked joins, one rebalance in the way and one to settle, and the clients' own pauses. */
const settleMs = 2 * (sessionTimeoutMs + rebalanceTimeoutMs) + 20_000;

export type Counts = MixedWorld['counts'];

/** One run. Throws with what went wrong; `show` gets what happened, when that is wanted. */
export async function runMixed(
  seed: number,
  show: ((trace: string) => void) | null = null,
): Promise<Counts> {
  await loadRegexEngine();
  const world = new MixedWorld({
    seed,
    partitions: 1 + (seed % 9),
    classic: seed % 2 === 0 ? 'eager' : 'cooperative',
    trace: show === null ? 'none' : 'kept',
  });
  try {
    await live(world);
  } catch (error) {
    // What broke on the way tells more than the state in the end.
    checkProblems(world);
    throw error;
  } finally {
    show?.((world.trace ?? []).join('\n'));
    stop(world);
  }
  checkProblems(world);
  return world.counts;
}

/** Many members with faults settle; those of the new protocol leave, so that the group is classic; then the rest. */
export async function runCrowd(size: {
  readonly members: number;
  readonly partitions: number;
}): Promise<void> {
  await loadRegexEngine();
  const { members, partitions } = size;
  const world = new MixedWorld({
    seed: members,
    partitions,
    classic: 'cooperative',
    trace: 'none',
  });
  for (let index = 0; index < members; index++) {
    world.add(index % 2 === 0 ? 'modern' : 'classic', index % 3 === 0 ? `static ${index}` : null);
  }
  await world.clock.advance(40_000);
  world.restart();
  await world.clock.advance(10_000);
  await settle(world);
  expect(world.alive).toHaveLength(members);
  await checkReplay(world);
  for (const member of world.alive) if (member.kind === 'modern') void member.leave();
  await settle(world);
  expect(world.listed()?.groupType).toBe('classic');
  for (const member of world.alive) void member.leave();
  await settle(world);
  await checkReplay(world);
  stop(world);
  checkProblems(world);
}

async function live(world: MixedWorld): Promise<void> {
  for (let index = 0; index < 1 + world.random.below(5); index++) world.add(kindOf(world));
  for (let round = 0; round < 40; round++) await upset(world);
  await settle(world);
  await checkReplay(world);
}

/** Faults end; the group must come to rest, and stay so. */
async function settle(world: MixedWorld): Promise<void> {
  world.faults = false;
  world.log.faults = false;
  await world.clock.advance(settleMs);
  await checkSettled(world);
  const { modern, classic } = await world.view();
  await world.clock.advance(30_000);
  const later = await world.view();
  // Nothing happens any more, so nothing may change: no rebalance without a cause.
  expect({ modern: later.modern, classic: later.classic }).toEqual({ modern, classic });
  await checkSettled(world);
}

/** Throws when a promise was broken on the way. */
function checkProblems({ problems }: MixedWorld): void {
  if (problems.length > 0) throw new Error(problems.slice(0, 5).join('\n'));
}

function stop(world: MixedWorld): void {
  for (const member of world.alive) member.crash();
  world.coordinator.close();
}

/** In some runs all are of one protocol for long, so that the group migrates both ways. */
function kindOf(world: MixedWorld): 'classic' | 'modern' {
  const phase = Math.floor(world.clock.monotonic() / 15_000) % 3;
  const modern = [0.15, 0.9, 0.5][phase] ?? 0.5;
  return world.random.chance(modern) ? 'modern' : 'classic';
}

async function upset(world: MixedWorld): Promise<void> {
  const { random, clock } = world;
  await clock.advance(random.below(2_500));
  const draw = random.next();
  const { alive } = world;
  const victim = alive[random.below(Math.max(1, alive.length))];
  if (draw < 0.3 || victim === undefined) arrive(world, victim);
  else if (draw < 0.42) victim.crash();
  else if (draw < 0.56) void victim.leave();
  else if (draw < 0.64) victim.resubscribe();
  else if (draw < 0.72) world.restart();
  else if (draw < 0.77) clock.jump(random.below(7_200_000) - 3_600_000);
  else if (draw < 0.81) world.grow();
}

function arrive(world: MixedWorld, other: SimMember | undefined): void {
  if (world.alive.length >= 8) return;
  const kind = kindOf(world);
  if (!world.random.chance(0.4)) {
    world.add(kind);
    return;
  }
  const instance = `static ${world.random.below(3)}`;
  const holder = world.alive.find((member) => member.instanceId === instance);
  // Usually a restart of the old one; sometimes a twin, of which one must give way.
  if (holder !== undefined && other !== holder) holder.crash();
  world.add(kind, instance);
}

async function checkSettled(world: MixedWorld): Promise<void> {
  const { alive } = world;
  const { listed, modern, classic } = await world.view();
  const state = alive.length > 0 ? 'Stable' : 'Empty';
  if (listed !== undefined) expect(listed.groupState).toBe(state);
  const isModern = listed?.groupType === 'consumer';
  if (alive.length > 0) {
    expect(listed?.groupType).toBe(
      alive.some(({ kind }) => kind === 'modern') ? 'consumer' : 'classic',
    );
    expect(alive.every(({ stable }) => stable)).toBe(true);
    expect(new Set(alive.map(({ epoch }) => epoch)).size).toBe(1);
  }
  const members = isModern ? modern?.members : classic?.members;
  const ids = (members ?? []).map(({ memberId }) => memberId).sort();
  expect(ids).toEqual(alive.map(({ memberId }) => memberId).sort());
  const wanted = new Set(alive.flatMap(({ topics }) => topics));
  const due = [...wanted].flatMap((topic) => {
    const count = world.topics.topic(topic)?.partitionCount ?? 0;
    return Array.from({ length: count }, (_, partition) => `${topic}/${partition}`);
  });
  expect(alive.flatMap(({ ownedKeys }) => ownedKeys).sort()).toEqual(due.sort());
  for (const member of alive) {
    for (const topic of member.owned.keys()) expect(member.topics).toContain(topic);
  }
}

/** The log, compacted or not, with its tombstones or without, gives the group as it is. */
async function checkReplay(world: MixedWorld): Promise<void> {
  const live = await world.view();
  const { entries } = world.log;
  const half = Math.floor(entries.length / 2);
  const logs = [
    entries,
    compacted(entries, half),
    compacted(entries, entries.length),
    compacted(entries, entries.length, 'dropped'),
  ];
  for (const log of logs) {
    const again = await world.replayed(log);
    expect(await world.view(again)).toEqual(live);
    again.close();
  }
}
