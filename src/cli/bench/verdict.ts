// What held a load test back, from its own figures: a hint where to look first, with the figures that say so.

interface Busy {
  readonly busy: number;
  /** 10^6 bytes of values. */
  readonly mbPerSecond: number;
}

/** What the phases found. Busy shares are of this process's one thread, 0 to 1. */
export interface Findings {
  /** Of a request that does nothing but be answered, median. */
  readonly roundTripMs: number;
  /** One record at a time, median: written by the leader, and on disk on all replicas in sync. */
  readonly oneRecordAcks1Ms: number;
  readonly oneRecordAcksAllMs: number;
  readonly acks: -1 | 0 | 1;
  readonly compressed: boolean;
  /** Null: the phase has no figures. */
  readonly produce: Busy | null;
  readonly consume: Busy | null;
  readonly tail: {
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly lateP99Ms: number;
    readonly busy: number;
    /** Records a second. */
    readonly reached: number;
    readonly asked: number;
  } | null;
  /** Whether all brokers are on this machine. */
  readonly local: boolean;
}

/** `broker-or-network`: from here they look the same; only a broker on this machine has no network before it. */
type Limit =
  | 'client'
  | 'broker'
  | 'network'
  | 'broker-or-network'
  | 'durability'
  | 'rate'
  | 'pauses'
  | 'none';

export interface Verdict {
  readonly phase: 'produce' | 'consume' | 'tail';
  readonly limit: Limit;
  readonly words: string;
}

/** From here on the thread was the limit: there is always some time between two turns. */
const BUSY = 0.85;
const SLOW_MS = 1;
/** A tail of so many times the median, and of so many milliseconds, is not the usual course of a request. */
const TAIL_TIMES = 10;
const TAIL_MS = 10;
/** Below this share of the rate that was asked for, records queue up. */
const REACHED = 0.9;

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const percent = (share: number): string => `${Math.round(share * 100)} %`;

function clientLimit(phase: 'produce' | 'consume', busy: number, local: boolean): Verdict {
  const words =
    `this client's thread was busy ${percent(busy)} of the time: the cluster could ` +
    (phase === 'produce' ? 'take' : 'give') +
    (local ? ' more, and shares this machine with the client' : ' more; run several clients');
  return { phase, limit: 'client', words };
}

/** A client that waits: for the broker, or for what lies between them. */
function idleVerdict(phase: 'produce' | 'consume', found: Findings, at: Busy): Verdict {
  const idle = `this client was busy only ${percent(at.busy)} of the time`;
  if (found.local) return { phase, limit: 'broker', words: `the broker: ${idle}` };
  const rate = `${at.mbPerSecond.toFixed(1)} MB/s (${((at.mbPerSecond * 8) / 1000).toFixed(2)} Gbit/s)`;
  const packed = found.compressed
    ? `${rate} before compression`
    : `${rate}: compare that with the link, or see whether -z lz4 is faster`;
  const words = `the broker or the network, which look the same from here: ${idle}, at ${packed}`;
  return { phase, limit: 'broker-or-network', words };
}

function produceVerdict(found: Findings, at: Busy): Verdict {
  const { roundTripMs, oneRecordAcks1Ms, oneRecordAcksAllMs, acks } = found;
  if (at.busy >= BUSY) return clientLimit('produce', at.busy, found.local);
  const durable = oneRecordAcksAllMs - oneRecordAcks1Ms;
  if (acks === -1 && durable >= SLOW_MS && durable >= oneRecordAcksAllMs / 2) {
    const words =
      `acks=all waits ${ms(durable)} longer than acks=1 (${ms(oneRecordAcks1Ms)}): ` +
      'the sync to disk, or the replicas';
    return { phase: 'produce', limit: 'durability', words };
  }
  const oneRecordMs = acks === -1 ? oneRecordAcksAllMs : oneRecordAcks1Ms;
  // With acks=0 nothing is waited for, and on one machine a slow answer is the broker's.
  const waits = acks !== 0 && !found.local;
  if (waits && roundTripMs >= SLOW_MS && roundTripMs >= oneRecordMs / 2) {
    const words = `a round trip takes ${ms(roundTripMs)} of the ${ms(oneRecordMs)} of one record: the network`;
    return { phase: 'produce', limit: 'network', words };
  }
  return idleVerdict('produce', found, at);
}

function consumeVerdict(found: Findings, at: Busy): Verdict {
  if (at.busy >= BUSY) return clientLimit('consume', at.busy, found.local);
  return idleVerdict('consume', found, at);
}

function tailVerdict(tail: NonNullable<Findings['tail']>): Verdict {
  const { p50Ms, p99Ms, lateP99Ms, busy, reached, asked } = tail;
  const figures = `the slowest hundredth takes ${ms(p99Ms)} and more, the middle ${ms(p50Ms)}`;
  if (reached < REACHED * asked) {
    const client = busy >= BUSY;
    const words =
      `only ${count(reached)} of ${count(asked)} records/s came through, so that records waited in a queue: ` +
      (client ? `this client was busy ${percent(busy)} of the time; ` : '') +
      'ask for a lower --rate to see latencies without it';
    return { phase: 'tail', limit: client ? 'client' : 'rate', words };
  }
  if (p99Ms >= TAIL_MS && lateP99Ms >= p99Ms / 2) {
    const words = `${figures}: this client itself ran ${ms(lateP99Ms)} late, its machine is too busy`;
    return { phase: 'tail', limit: 'client', words };
  }
  if (p99Ms >= TAIL_MS && p99Ms >= TAIL_TIMES * p50Ms) {
    const words = `${figures}: pauses in the broker, its disk or the network`;
    return { phase: 'tail', limit: 'pauses', words };
  }
  return { phase: 'tail', limit: 'none', words: `even: ${figures}` };
}

/** One verdict for each phase that has figures. */
export function verdictsOf(found: Findings): Verdict[] {
  const { produce, consume, tail } = found;
  const verdicts: Verdict[] = [];
  if (produce !== null) verdicts.push(produceVerdict(found, produce));
  if (consume !== null) verdicts.push(consumeVerdict(found, consume));
  if (tail !== null) verdicts.push(tailVerdict(tail));
  return verdicts;
}
