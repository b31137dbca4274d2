// What held a load test back, from its own figures: a hint where to look first, with the figures that say so.

/** What the phases found. Busy shares are of this process's one thread, 0 to 1. */
export interface Findings {
  /** Of a request that does nothing but be answered, median. */
  readonly roundTripMs: number;
  /** One record at a time, median: written by the leader, and on disk on all replicas in sync. */
  readonly oneRecordAcks1Ms: number;
  readonly oneRecordAcksAllMs: number;
  readonly produceBusy: number;
  readonly consumeBusy: number;
  readonly tail: { readonly p50Ms: number; readonly p99Ms: number; readonly lateP99Ms: number };
  /** Whether all brokers are on this machine. */
  readonly local: boolean;
}

export interface Verdict {
  readonly phase: 'produce' | 'consume' | 'tail';
  readonly limit: 'client' | 'network' | 'durability' | 'broker' | 'pauses' | 'none';
  readonly words: string;
}

/** From here on the thread was the limit: there is always some time between two turns. */
const BUSY = 0.85;
const SLOW_MS = 1;
/** A tail of so many times the median, and of so many milliseconds, is not the usual course of a request. */
const TAIL_TIMES = 10;
const TAIL_MS = 10;

const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

function clientLimit(phase: 'produce' | 'consume', busy: number, local: boolean): Verdict {
  const words =
    `this client's thread was busy ${percent(busy)} of the time: the cluster could ` +
    (phase === 'produce' ? 'take' : 'give') +
    (local ? ' more, and shares this machine with the client' : ' more; run several clients');
  return { phase, limit: 'client', words };
}

function produceVerdict(found: Findings): Verdict {
  const { produceBusy, roundTripMs, oneRecordAcks1Ms, oneRecordAcksAllMs } = found;
  if (produceBusy >= BUSY) return clientLimit('produce', produceBusy, found.local);
  const durable = oneRecordAcksAllMs - oneRecordAcks1Ms;
  if (durable >= SLOW_MS && durable >= oneRecordAcksAllMs / 2) {
    const words =
      `acks=all waits ${ms(durable)} longer than acks=1 (${ms(oneRecordAcks1Ms)}): ` +
      'the sync to disk, or the replicas';
    return { phase: 'produce', limit: 'durability', words };
  }
  if (roundTripMs >= SLOW_MS && roundTripMs >= oneRecordAcksAllMs / 2) {
    const words = `a round trip takes ${ms(roundTripMs)} of the ${ms(oneRecordAcksAllMs)} of one record: the network`;
    return { phase: 'produce', limit: 'network', words };
  }
  const idle = `this client was busy only ${percent(produceBusy)} of the time`;
  const words = `the broker: ${idle}, and a round trip takes ${ms(roundTripMs)}`;
  return { phase: 'produce', limit: 'broker', words };
}

function consumeVerdict({ consumeBusy, roundTripMs, local }: Findings): Verdict {
  if (consumeBusy >= BUSY) return clientLimit('consume', consumeBusy, local);
  const idle = `this client was busy only ${percent(consumeBusy)} of the time`;
  const far = roundTripMs >= SLOW_MS;
  const words = far
    ? `${idle} and a round trip takes ${ms(roundTripMs)}: the network, or the broker`
    : `the broker: ${idle}`;
  return { phase: 'consume', limit: far ? 'network' : 'broker', words };
}

function tailVerdict({ tail }: Findings): Verdict {
  const { p50Ms, p99Ms, lateP99Ms } = tail;
  const figures = `the slowest hundredth takes ${ms(p99Ms)} and more, the middle ${ms(p50Ms)}`;
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

/** One verdict for each phase. */
export function verdictsOf(found: Findings): Verdict[] {
  return [produceVerdict(found), consumeVerdict(found), tailVerdict(found)];
}
