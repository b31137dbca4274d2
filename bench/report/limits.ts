// What held a row of ours back, in words: from what was counted while it ran. Short entries for each kind of figure;
// what all of one label have in common is said once, in entries.ts.

import { type Entry, sorted } from './entries.ts';
import { isOurs } from './facts.ts';
import type { Goal } from './goals.ts';
import { callShares, loopShares } from './kinds-of-cost.ts';
import { latencyLimits } from './latency-limit.ts';
import { profileOf } from './profile.ts';
import type { Report } from './result.ts';
import { medianOf } from './rounds.ts';
import type { Judged } from './verdicts.ts';
import { numberText, titleOf, wordsOf } from './words.ts';

/** Of all cores: beyond it a faster client or broker would have to take the other's time. */
const BUSY = 0.9;
/** Of the time in which the event loop ran, or could have. */
const LOOP_FULL_PERCENT = 90;
/** Of the time, in which the event loop could have run and had no core: then that is most of what it waits for. */
const WAITING_PERCENT = 20;
/** Of the bytes that moved: less from the disk is none that anybody waited for. */
const READ_SHARE = 0.01;
/** Cores of a client that has one thread at work, and it no time left: beyond them there are several. */
const ONE_THREAD = { from: 0.9, to: 1.1 };

const OURS = 'tidemark';

type Of = (figure: string) => number;

const figuresOf =
  (report: Report, row: string, system = OURS): Of =>
  (figure) =>
    medianOf(report, system, row, figure);

const coresOf = ({ machine }: Report): number => Number.parseInt(machine['processor'] ?? '', 10);

/**
 * How many times longer was looked than records moved, where the client tells it: in its own start and end it does
 * nothing, and shares of the whole time would say that nobody was busy.
 */
function stretchOf(of: Of): number {
  const stretch = of('seconds') / of('movingSeconds');
  return Number.isNaN(stretch) ? 1 : stretch;
}

/** How busy processors, event loop and disk were in the row; '' where nothing was counted. */
export function loadOf(report: Report, row: string, system = OURS): string {
  const of = figuresOf(report, row, system);
  const stretch = stretchOf(of);
  const seconds = of('seconds') / stretch;
  const parts: string[] = [];
  const say = (value: number, text: (value: string) => string): void => {
    if (Number.isFinite(value)) parts.push(text(numberText(value)));
  };
  say(of('brokerCpuSeconds') / seconds, (busy) => `broker ${busy}`);
  say(of('clientCpuSeconds') / seconds, (busy) => `client ${busy} of ${coresOf(report)} cores`);
  say(of('loopBusyPercent') * stretch, (busy) => `event loop running ${busy} % of the time`);
  say(of('loopWaitingPercent') * stretch, (waited) => `waiting for a core ${waited} %`);
  say(of('loopOwnDelayP99Ms'), (own) => `the loop's own delay p99 ${own} ms`);
  say(of('syncs') / seconds, (syncs) => `${syncs} syncs a second`);
  return parts.join(', ');
}

/** The limits of goals, and how busy their rows were: each entry once, also where several goals have it. */
export function entriesOf(report: Report, goals: readonly Judged[]): Entry[] {
  const loads = goals.map(
    ({ goal: { row, ours } }): Entry => ({ label: 'busy', text: loadOf(report, row, ours) }),
  );
  const limits = goals.flatMap((judged) => limitsOf(report, judged));
  return sorted([...limits, ...loads].filter(({ text }) => text !== ''));
}

/** What the figure could not go beyond, or consists of, as far as it was counted; says so where it was not. */
function limitsOf(report: Report, judged: Judged): Entry[] {
  const { row, figure, ours } = judged.goal;
  const of = figuresOf(report, row, ours);
  const kind = kinds.find(({ figures }) => figures.test(figure));
  const known = (kind?.limit(report, judged, of) ?? []).filter(({ text }) => text !== '');
  return known.length === 0
    ? [{ label: 'limit', text: `not counted of ${wordsOf(figure)}` }]
    : known;
}

/** Each kind of figure with what is told of it, '' where that was not counted; the first that fits. */
const kinds: readonly {
  readonly figures: RegExp;
  limit(report: Report, judged: Judged, of: Of): Entry[];
}[] = [
  { figures: /^p\d+Ms$/, limit: latencyOrRate },
  { figures: /^p99TimesWithoutCleaning$/, limit: besideCleaning },
  { figures: /PerSecond$/, limit: rateLimit },
  { figures: /^brokerCpuSecondsPer/, limit: brokerCost },
  { figures: /^cpuSecondsPer/, limit: besideSocket },
  { figures: /^(firstRecord|ready)Ms$/, limit: startLimit },
  { figures: /WritableMs$/, limit: restartLimit },
  { figures: /esidentMb$/, limit: memoryLimit },
  { figures: /^loopDelay/, limit: delayLimit },
];

const limit = (text: string): Entry => ({ label: 'limit', text });

function rateLimit(report: Report, judged: Judged, of: Of): Entry[] {
  const cores = coresOf(report);
  const stretch = stretchOf(of);
  const busy = of('busyCores') * stretch;
  if (Number.isNaN(busy) || Number.isNaN(cores)) return besideSocket(report, judged);
  if (busy >= BUSY * cores) return [limit('the processors, which broker and client share')];
  const running = of('loopBusyPercent') * stretch;
  const waiting = of('loopWaitingPercent') * stretch;
  if (running >= LOOP_FULL_PERCENT) return [limit('the event loop')];
  if (running + waiting >= LOOP_FULL_PERCENT) {
    return [limit('the event loop and its waiting for a core')];
  }
  const found = clientLimit((of('clientCpuSeconds') / of('seconds')) * stretch);
  if (waiting >= WAITING_PERCENT) {
    found.push(
      limit(
        `waiting for a core: the event loop could have run for ${numberText(waiting)} % of the time and had none, ` +
          `and ran for ${numberText(running)} %`,
      ),
    );
  }
  if (found.length > 0) return found;
  const disk = of('syncs') > 0 || readsMuch(of) ? 'the disk or for ' : '';
  return [limit(`no processor: client and broker wait for ${disk}each other`)];
}

function clientLimit(cores: number): Entry[] {
  if (!(cores >= ONE_THREAD.from)) return [];
  const busy = `the client keeps ${numberText(cores)} cores busy`;
  return [
    limit(
      cores <= ONE_THREAD.to
        ? `the client's one thread: ${busy}`
        : `${busy}; whether one of its threads is the limit was not counted`,
    ),
  ];
}

function readsMuch(of: Of): boolean {
  const moving = of('movingSeconds');
  const moved = of('mbPerSecond') * (Number.isNaN(moving) ? of('seconds') : moving);
  return of('brokerReadMb') >= READ_SHARE * moved;
}

/** What is left without a client is known where a bare socket was measured; the rest by a profile, if there is one. */
function besideSocket(report: Report, { goal, ours }: Judged): Entry[] {
  const { row, figure } = goal;
  const system = goal.ours ?? OURS;
  const bare = `raw socket on ${system.replace(/^.* on /, '')}`;
  const alone = medianOf(report, bare, row, figure);
  const profile = profileOf(report.profiles, row, system);
  const shares = profile === undefined ? '' : loopShares(profile);
  if (Number.isNaN(alone)) return [{ label: 'event loop', text: shares }];
  const times = `the client ${numberText(ours / alone)} times that`;
  return [
    { label: 'bare socket', text: `${wordsOf(figure)}: ${bare} ${numberText(alone)}, ${times}` },
    { label: 'event loop', text: shares === '' ? NOT_PROFILED : `${system}: ${shares}` },
  ];
}

const NOT_PROFILED = 'not profiled';

/** Shares of the cost by the row's profile, and who does it for less. */
function brokerCost(report: Report, { goal, ours }: Judged, of: Of): Entry[] {
  const profile = profileOf(report.profiles, goal.row, goal.ours ?? OURS);
  const shares = profile === undefined ? NOT_PROFILED : loopShares(profile);
  const loop = of('loopBusyPercent') / 100 / (of('brokerCpuSeconds') / of('seconds'));
  const percent = numberText(Math.min(1, loop) * 100);
  const whole = Number.isFinite(loop) ? `${percent} % of the broker's processor time` : '';
  const calls = profile === undefined ? '' : callShares(profile);
  return [
    { label: 'event loop', text: [whole, shares].filter((part) => part !== '').join('; ') },
    { label: 'system calls', text: calls },
    { label: 'cheaper', text: leastOf(report, goal, ours) },
  ];
}

/** What others did the same work for is no floor, but it is known to be possible. */
function leastOf(report: Report, { row, figure }: Goal, ours: number): string {
  const others = report.results
    .filter((one) => one.row === row && !isOurs(report, one.system))
    .flatMap(({ system, spread }) => {
      const cost = spread[figure]?.median;
      return cost === undefined || cost >= ours ? [] : [{ system, cost }];
    })
    .sort((a, b) => a.cost - b.cost);
  const [least] = others;
  if (least === undefined) return 'nobody';
  const cost = `${numberText(least.cost)} instead of ${numberText(ours)}`;
  return `${titleOf(least.system)}, ${cost} (${wordsOf(figure)})`;
}

function latencyOrRate(report: Report, judged: Judged, of: Of): Entry[] {
  const limits = latencyLimits(report, judged.goal, judged.goal.ours ?? OURS);
  // Where each connection waits for its answer, a latency is the rate seen from the other side.
  if (Number.isNaN(of('requestsPerSecond'))) return limits;
  return [...limits, ...rateLimit(report, judged, of)];
}

function delaysOf(of: Of): string {
  const [with_, without] = [of('loopDelayP99Ms'), of('loopOwnDelayP99Ms')];
  if (Number.isNaN(with_) || Number.isNaN(without)) return '';
  return `p99 ${numberText(with_)} ms with waiting for a core, ${numberText(without)} ms without`;
}

function delayLimit(_report: Report, { goal }: Judged, of: Of): Entry[] {
  const delays = delaysOf(of);
  if (delays === '') return [];
  const why =
    of('loopOwnDelayP99Ms') > goal.limit
      ? "pieces of the loop's own work, calls to the kernel among them, are longer than the goal"
      : 'waiting for a core is the limit';
  return [{ label: 'loop delay', text: `${delays}: ${why}` }];
}

/** The same load with and without work beside it: what the loop had to wait for meanwhile. */
function besideCleaning(report: Report, _judged: Judged, of: Of): Entry[] {
  const busy = of('busyCores');
  if (Number.isNaN(busy)) return [];
  const delays = delaysOf(of);
  const loop = delays === '' ? '' : `; the event loop's delay ${delays}`;
  const cores = `${numberText(busy)} of ${coresOf(report)} cores were busy`;
  return [{ label: 'cleaning', text: `${cores}${loop}` }];
}

/** A process that computes all the time until it is ready waits for nothing but itself. */
function startLimit(report: Report, { goal }: Judged, of: Of): Entry[] {
  const [ready, first, cpu] = [of('readyMs'), of('firstRecordMs'), of('startCpuSeconds')];
  if (Number.isNaN(ready) || Number.isNaN(cpu)) return [];
  const computes = cpu * 1e3 >= BUSY * first ? ': its own computing is the limit' : '';
  const profile = profileOf(report.profiles, goal.row, goal.ours ?? OURS);
  return [
    {
      label: 'start',
      text:
        `${numberText(ready)} ms until ready, ${numberText(first)} ms until the first record, ` +
        `${numberText(cpu)} s of processor time until then${computes}`,
    },
    { label: 'event loop', text: profile === undefined ? '' : loopShares(profile) },
  ];
}

function restartLimit(_report: Report, { goal }: Judged, of: Of): Entry[] {
  const kind = goal.figure.replace(/WritableMs$/, '');
  const [ready, cpu] = [of(`${kind}ReadyMs`), of(`${kind}CpuMs`)];
  if (Number.isNaN(ready) || Number.isNaN(cpu)) return [];
  const computes = cpu >= BUSY * of(goal.figure) ? ': its own computing is the limit' : '';
  const stop = kind === 'kill' ? 'kill -9' : 'a clean stop';
  const text = `after ${stop} ${numberText(ready)} ms until ready, ${numberText(cpu)} ms of processor time${computes}`;
  return [{ label: 'restart', text }];
}

/** What it has from the start and what came with the work. */
function memoryLimit(report: Report, { goal, ours }: Judged): Entry[] {
  const all = numberText(ours);
  const idle = medianOf(report, goal.ours ?? OURS, 'start-up', 'idleResidentMb');
  const came = `${numberText(idle)} of them idle after a start, ${numberText(ours - idle)} came with the work`;
  const text =
    goal.figure === 'idleResidentMb'
      ? `${all} MB idle`
      : `${all} MB${Number.isNaN(idle) ? '' : `, ${came}`}`;
  return [{ label: 'memory', text }];
}
