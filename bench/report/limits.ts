// What held a row of ours back, in words: from what was counted while it ran. One sentence for each kind of figure.

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
/** Cores of a client whose work is one thread's: it has no time left. */
const CLIENT_FULL = 0.95;

const OURS = 'tidemark';
const UNKNOWN = 'what the limit is was not counted';

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
  say(of('loopOwnDelayP99Ms'), (own) => `its delay p99 without that ${own} ms`);
  say(of('syncs') / seconds, (syncs) => `${syncs} syncs a second`);
  return parts.join(', ');
}

/** What the figure could not go beyond, or consists of, as far as it was counted; says so where it was not. */
export function limitsOf(report: Report, judged: Judged): string[] {
  const { row, figure, ours } = judged.goal;
  const of = figuresOf(report, row, ours);
  const kind = sentences.find(({ figures }) => figures.test(figure));
  const known = [kind?.limit(report, judged, of) ?? ''].flat().filter((text) => text !== '');
  return known.length === 0 ? [UNKNOWN] : known;
}

/** Each kind of figure with its sentence; the first that fits. */
const sentences: readonly {
  readonly figures: RegExp;
  limit(report: Report, judged: Judged, of: Of): string | string[];
}[] = [
  { figures: /^p\d+Ms$/, limit: latencyOrRate },
  { figures: /^p99TimesWithoutCleaning$/, limit: loopBeside },
  { figures: /PerSecond$/, limit: rateLimit },
  { figures: /^brokerCpuSecondsPer/, limit: brokerCost },
  { figures: /^cpuSecondsPer/, limit: besideSocket },
  { figures: /^(firstRecord|ready)Ms$/, limit: startLimit },
  { figures: /WritableMs$/, limit: restartLimit },
  { figures: /esidentMb$/, limit: memoryLimit },
  { figures: /^loopDelay/, limit: delayLimit },
];

function rateLimit(report: Report, judged: Judged, of: Of): string | string[] {
  const cores = coresOf(report);
  const stretch = stretchOf(of);
  const busy = of('busyCores') * stretch;
  if (Number.isNaN(busy) || Number.isNaN(cores)) return besideSocket(report, judged);
  if (busy >= BUSY * cores) return 'the processors are the limit, which broker and client share';
  const running = of('loopBusyPercent') * stretch;
  const waiting = of('loopWaitingPercent') * stretch;
  if (running >= LOOP_FULL_PERCENT) return 'the event loop is the limit';
  if (running + waiting >= LOOP_FULL_PERCENT) {
    return 'the event loop and its waiting for a core are the limit';
  }
  const client = (of('clientCpuSeconds') / of('seconds')) * stretch;
  if (client >= CLIENT_FULL) {
    return `the client's one thread is the limit: the client keeps ${numberText(client)} cores busy`;
  }
  if (waiting >= WAITING_PERCENT) {
    return (
      `waiting for a core is most of it: the event loop could have run for ${numberText(waiting)} % of the time and ` +
      `had none, and ran for ${numberText(running)} %`
    );
  }
  const disk = of('syncs') > 0 || readsMuch(of) ? 'the disk or for ' : '';
  return `no processor is the limit: client and broker wait for ${disk}each other`;
}

function readsMuch(of: Of): boolean {
  const moving = of('movingSeconds');
  const moved = of('mbPerSecond') * (Number.isNaN(moving) ? of('seconds') : moving);
  return of('brokerReadMb') >= READ_SHARE * moved;
}

/** What is left without a client is known where a bare socket was measured; the rest by a profile, if there is one. */
function besideSocket(report: Report, { goal, ours }: Judged): string[] {
  const { row, figure } = goal;
  const system = goal.ours ?? OURS;
  const bare = `raw socket on ${system.replace(/^.* on /, '')}`;
  const alone = medianOf(report, bare, row, figure);
  const profile = profileOf(report.profiles, row, system);
  const shares = profile === undefined ? '' : loopShares(profile);
  if (Number.isNaN(alone)) return [shares];
  return [
    `${wordsOf(figure)}: ${bare}, without a client, has ${numberText(alone)}, the client ` +
      `${numberText(ours / alone)} times that`,
    shares === '' ? 'where the client spends the rest was not profiled' : `${system}: ${shares}`,
  ];
}

/** Shares of the cost by the row's profile, and who does it for less. */
function brokerCost(report: Report, { goal, ours }: Judged, of: Of): string[] {
  const system = goal.ours ?? OURS;
  const parts: string[] = [];
  const loop = of('loopBusyPercent') / 100 / (of('brokerCpuSeconds') / of('seconds'));
  if (Number.isFinite(loop)) {
    const percent = numberText(Math.min(1, loop) * 100);
    parts.push(`of the broker's processor time the event loop takes ${percent} %`);
  }
  const profile = profileOf(report.profiles, goal.row, system);
  if (profile === undefined) parts.push('what it spends it on was not profiled');
  else parts.push(loopShares(profile), callShares(profile));
  return [...parts, leastOf(report, goal, ours)];
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
  return least === undefined
    ? 'nobody beside it needed less; whether less is possible was not counted'
    : `the least that was measured is ${numberText(least.cost)} of ${titleOf(least.system)}`;
}

function latencyOrRate(report: Report, judged: Judged, of: Of): string[] {
  const limits = latencyLimits(report, judged.goal, judged.goal.ours ?? OURS);
  // Where each connection waits for its answer, a latency is the rate seen from the other side.
  if (!Number.isNaN(of('requestsPerSecond')))
    limits.push(...[rateLimit(report, judged, of)].flat());
  return limits;
}

function delaysOf(of: Of): string {
  const [with_, without] = [of('loopDelayP99Ms'), of('loopOwnDelayP99Ms')];
  if (Number.isNaN(with_) || Number.isNaN(without)) return '';
  return `${numberText(with_)} ms with waiting for a core and ${numberText(without)} ms without`;
}

function delayLimit(_report: Report, { goal }: Judged, of: Of): string {
  const delays = delaysOf(of);
  if (delays === '') return '';
  const own = of('loopOwnDelayP99Ms') > goal.limit;
  const limit = own
    ? "pieces of the loop's own work, calls to the kernel among them, are longer than the goal"
    : 'waiting for a core is the limit';
  return `the event loop's delay p99 is ${delays}: ${limit}`;
}

/** The same load with and without work beside it: what the loop had to wait for meanwhile. */
function loopBeside(report: Report, _judged: Judged, of: Of): string {
  const busy = of('busyCores');
  if (Number.isNaN(busy)) return '';
  const delays = delaysOf(of);
  const loop = delays === '' ? '' : `; the event loop's delay p99 was ${delays}`;
  return (
    `cleaning shares cores and disk with the producer: ${numberText(busy)} of ${coresOf(report)} cores were busy` +
    `${loop}; how much of it is the disk was not counted`
  );
}

/** A process that computes all the time until it is ready waits for nothing but itself. */
function startLimit(report: Report, { goal }: Judged, of: Of): string {
  const [ready, first, cpu] = [of('readyMs'), of('firstRecordMs'), of('startCpuSeconds')];
  if (Number.isNaN(ready) || Number.isNaN(cpu)) return '';
  const computes = cpu * 1e3 >= BUSY * first ? ', so its own computing is the limit' : '';
  const profile = profileOf(report.profiles, goal.row, goal.ours ?? OURS);
  const shares = profile === undefined ? '' : loopShares(profile);
  return (
    `${numberText(ready)} ms until ready, ${numberText(first)} ms until the first record, with ` +
    `${numberText(cpu)} s of processor time until then${computes}${shares === '' ? '' : `; ${shares}`}`
  );
}

function restartLimit(_report: Report, { goal }: Judged, of: Of): string {
  const kind = goal.figure.replace(/WritableMs$/, '');
  const [ready, cpu] = [of(`${kind}ReadyMs`), of(`${kind}CpuMs`)];
  if (Number.isNaN(ready) || Number.isNaN(cpu)) return '';
  const computes = cpu >= BUSY * of(goal.figure) ? ', so its own computing is the limit' : '';
  return `${numberText(ready)} ms until ready, ${numberText(cpu)} ms of processor time${computes}`;
}

/** What it has from the start and what came with the work. */
function memoryLimit(report: Report, { goal, ours }: Judged): string {
  const idle = medianOf(report, goal.ours ?? OURS, 'start-up', 'idleResidentMb');
  const split = 'which part is V8, Node and our buffers was not counted';
  if (goal.figure === 'idleResidentMb') return `${numberText(ours)} MB are resident idle; ${split}`;
  if (Number.isNaN(idle)) return `${numberText(ours)} MB are resident; ${split}`;
  return (
    `of ${numberText(ours)} MB resident ${numberText(idle)} MB are there idle after a start, ` +
    `${numberText(ours - idle)} MB came with the work; ${split}`
  );
}
