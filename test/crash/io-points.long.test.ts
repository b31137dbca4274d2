// A real broker on real files kills itself at every named I/O point, before, in the middle of and after the operation,
// while real clients write, read, make and drop topics, commit offsets and delete records. After each kill the next
// broker opens the same directory, on its way to the next kill; now and then everything is held against what the
// clients were told.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { freePort } from '../../bench/peers/index.ts';
import { findWrongs } from '../support/crash-checks.ts';
import { Link } from '../support/crash-link.ts';
import { BROKER_CONFIGS, Load } from '../support/crash-load.ts';
import { type Fault, Lives, type Reached } from '../support/crash-process.ts';
import { testWith } from '../support/peers/require-tool.ts';

/** Time for more than one kill at each point. */
const SECONDS = Number(process.env['TIDEMARK_CRASH_SECONDS'] ?? 90);
/** How long a life is given to meet its fault before it is asked to stop. */
const LIFE_MS = 1_500;
/** Lives between two looks at everything. */
const CHECK_EVERY = 25;
/** Attempts to meet a fault that depends on timing. */
const TRIES = 2;

type Phase = keyof Reached;

interface Point {
  readonly point: string;
  readonly phase: Phase;
  readonly count: number;
}

/** Points by the phase in which they are met first. */
function pointsOf(traces: readonly Reached[]): Point[] {
  const points = new Map<string, Point>();
  for (const trace of traces) {
    for (const phase of ['open', 'serve', 'close'] as const) {
      for (const [point, count] of Object.entries(trace[phase])) {
        if (!points.has(point)) points.set(point, { point, phase, count });
      }
    }
  }
  return [...points.values()].sort((a, b) => (a.point < b.point ? -1 : 1));
}

/** Every point, after the operation; then before it; then in the middle of every write. */
function planOf(points: readonly Point[]): { readonly point: Point; readonly fault: Fault }[] {
  const ways = ['after', 'before', 'torn'] as const;
  return ways.flatMap((when) =>
    points
      .filter(({ point }) => when !== 'torn' || point.endsWith(' write'))
      .map((point) => ({ point, fault: faultOf(point, when) })),
  );
}

function faultOf({ point, phase, count }: Point, when: Fault['when']): Fault {
  // Not always the first time, as what went before differs; but how much a start has to do varies.
  const later = phase === 'open' ? 1 : Math.max(1, Math.min(20, Math.floor(count / 4)));
  return { point, when, occurrence: when === 'before' ? 1 : later };
}

describe('kill -9 at every I/O point', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-io-points-'));
  let lives: Lives | undefined;
  let load: Load | undefined;

  afterAll(async () => {
    await load?.dispose();
    await lives?.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  testWith('broker')('nothing acknowledged or read is lost, nothing is invented', async () => {
    const port = await freePort();
    lives = new Lives(directory, port, BROKER_CONFIGS);
    load = new Load(port);
    const traces = await tracedLives(lives, load);
    const points = pointsOf(traces);
    const met = new Set<string>();
    const missed: string[] = [];
    let kills = 0;
    const end = performance.now() + SECONDS * 1_000;
    for (const { point, fault } of planOf(points)) {
      // Each point once, whatever it takes; then as many of the other ways as there is time for.
      if (met.has(fault.point) && performance.now() > end) continue;
      if (await meet(lives, load, point, fault)) {
        kills += 1;
        met.add(fault.point);
      } else missed.push(`${fault.when} ${fault.point} (${point.phase}, ${point.count})`);
      if ((kills + missed.length) % CHECK_EVERY > 0) continue;
      await checkAll(lives, load, `${kills} kills, the last one ${fault.when} ${fault.point}`);
    }
    await checkAll(lives, load, `${kills} kills`);
    console.log(`${met.size} of ${points.length} I/O points, ${kills} kills; ${summary(load)}`);
    if (missed.length > 0) console.log(`not met: ${missed.join('; ')}`);
    expect(points.length).toBeGreaterThan(60);
    // Which files a life touches depends on timing.
    expect(met.size).toBeGreaterThan(points.length * 0.9);
  });
});

/** A first life, one after an orderly stop, and one after a kill from outside: which points there are. */
async function tracedLives(lives: Lives, load: Load): Promise<Reached[]> {
  const traces: Reached[] = [];
  expect(await lives.start(null)).toBe(true);
  await load.prepare();
  load.resume();
  await lives.kill();
  for (let life = 0; life < 3; life += 1) {
    expect(await lives.start(null)).toBe(true);
    const ending = await lives.finish(LIFE_MS);
    if (ending.kind === 'stopped') traces.push(ending.reached);
    // The last one opens what a kill leaves.
    if (life === 1) await liveAndDie(lives);
  }
  return traces;
}

/** Lives until the fault ended one of them. */
async function meet(lives: Lives, load: Load, point: Point, fault: Fault): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    // What a start has to repair comes from a life that served and was killed.
    if (point.phase === 'open' && tries > 0) await liveAndDie(lives);
    if (!(await lives.start(fault))) return true;
    const ending = await lives.finish(point.phase === 'close' ? 100 : LIFE_MS);
    load.check();
    if (ending.kind === 'killed') return true;
  }
  return false;
}

async function liveAndDie(lives: Lives): Promise<void> {
  expect(await lives.start(null)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await lives.kill();
}

async function checkAll(lives: Lives, load: Load, when: string): Promise<void> {
  expect(await lives.start(null)).toBe(true);
  await load.pause();
  const link = new Link(lives.port);
  try {
    expect(await findWrongs(load, link), `after ${when}\n${lives.errors()}`).toEqual([]);
  } finally {
    link.close();
  }
  load.resume();
  await lives.kill();
}

function summary({ known, passing, committed }: Load): string {
  const count = (of: (one: Load['known'][number]) => number) =>
    known.reduce((sum, one) => sum + of(one), 0);
  const acknowledged = count((one) => one.acknowledged.size + one.acknowledgedUnplaced.size);
  const seen = count((one) => one.seen.size);
  return `${acknowledged} records acknowledged, ${seen} read, ${passing.size} topics, ${committed.acknowledged} commits`;
}
