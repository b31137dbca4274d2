// The plain words of the timeline: why something came about, and what may be done. Settings have the names that
// Kafka's clients give them.

import { formatDuration } from '../../base/duration.ts';
import type { MemberFacts, MissedPhase } from './facts.ts';

/** What is known of a member's going. */
export interface Departure {
  readonly member: MemberFacts;
  readonly atMs: number;
  readonly limitMs: number;
  readonly how: MissedPhase | 'left';
  /** What the client said as it left. */
  readonly reason: string | null;
}

/** Cause and advice of an entry. */
export interface Why {
  readonly cause: string;
  readonly advice?: string;
}

/** `48.2 s`, `350 ms`, `2m5s`: short, and exact enough. */
export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return formatDuration(Math.round(ms / 1000) * 1000);
}

/** A bound that the time seen would have kept, rounded up to something people set. */
function above(ms: number): string {
  const step = ms < 60_000 ? 5000 : 60_000;
  return seconds((Math.floor(ms / step) + 1) * step).replace('.0 s', ' s');
}

const fewer = 'take fewer records at a time (max.poll.records)';

/** Whether the client said that it was not polled in time. Java's words: "consumer poll timeout has expired." */
export function saidPollTimeout(reason: string | null): boolean {
  return reason !== null && /poll.{0,20}(timeout|interval)/i.test(reason);
}

export function whyLeft(name: string, { member, reason }: Departure): Why {
  if (saidPollTimeout(reason)) {
    const limit = seconds(member.rebalanceTimeoutMs);
    return {
      cause: `${name} did not poll for longer than its max.poll.interval.ms (${limit}), so its client left`,
      advice: `raise max.poll.interval.ms, or ${fewer}`,
    };
  }
  if (reason !== null && reason !== '') return { cause: `its client says: ${reason}` };
  const limit = seconds(member.rebalanceTimeoutMs);
  return {
    cause:
      `${name} left by itself and said no more: clients do so when they are closed, some also when they ` +
      `are not polled for max.poll.interval.ms (${limit})`,
  };
}

/** `silentMs`: since the last sign of life; null when it is not known. */
export function whyRemoved(name: string, gone: Departure, silentMs: number | null): Why {
  const limit = seconds(gone.limitMs);
  const heard = silentMs === null ? '' : `, though it was heard of ${seconds(silentMs)} before`;
  const busy = 'it was at work on records, or its process stood still';
  const polls = `raise max.poll.interval.ms above ${limit}, or ${fewer}`;
  switch (gone.how) {
    case 'session': {
      const silence = seconds(silentMs ?? gone.limitMs);
      return {
        cause: `${name} was not heard of for ${silence}; its session timeout is ${limit}`,
        advice:
          'if its process has ended, nothing; else it stood still, or handled records for longer than that: ' +
          `raise session.timeout.ms, send heartbeats while records are handled, or ${fewer}`,
      };
    }
    case 'join':
      return {
        cause: `${name} did not join the rebalance within ${limit}${heard}: ${busy}`,
        advice: polls,
      };
    case 'sync':
      return {
        cause: `${name} joined the generation and did not fetch its assignment within ${limit}${heard}`,
        advice: `if it leads the group, its assignor took too long; else its process stood still`,
      };
    case 'revoke':
      return {
        cause: `${name} did not give up its partitions within ${limit}${heard}: ${busy}`,
        advice: polls,
      };
    case 'left':
      return whyLeft(name, gone);
  }
}

/** A member that was thought to be gone is heard of again after `awayMs`. */
export function whyBack(name: string, gone: Departure, awayMs: number): Why {
  const away = seconds(awayMs);
  const late = seconds(Math.max(0, awayMs - gone.limitMs));
  const limit = seconds(gone.limitMs);
  if (gone.how === 'session') {
    return {
      cause:
        `${name} spent ${away} between polls without a heartbeat, ` +
        `${late} more than its session timeout of ${limit}`,
      advice:
        `raise session.timeout.ms above ${above(awayMs)}, send heartbeats while records are handled, ` +
        `or ${fewer}; if it stood still, look for long pauses of its process`,
    };
  }
  const sure = gone.how !== 'left' || saidPollTimeout(gone.reason);
  return {
    cause:
      `${name} ${sure ? '' : 'came back over the same connection: it probably '}spent ${away} between polls, ` +
      `${late} more than its max.poll.interval.ms of ${limit}`,
    advice: `raise max.poll.interval.ms above ${above(awayMs)}, or ${fewer}`,
  };
}

/** Slower than this, a rebalance is worth a word. */
const SLOW_MS = 5000;

export function adviceForRebalance(seen: {
  readonly protocol: 'classic' | 'consumer';
  readonly assignor: string | null;
  readonly durationMs: number;
  readonly slowest: { readonly name: string; readonly ms: number; readonly phase: string } | null;
}): string | undefined {
  const { slowest, durationMs, protocol, assignor } = seen;
  if (durationMs < SLOW_MS) return undefined;
  const words: string[] = [];
  if (slowest !== null && slowest.ms > durationMs / 2) {
    words.push(
      slowest.phase === 'sync'
        ? `${slowest.name} leads the group and took ${seconds(slowest.ms)} to assign`
        : `${slowest.name} came last, after ${seconds(slowest.ms)}: let it poll more often, and ${fewer}`,
    );
  }
  if (protocol === 'classic' && !/cooperative/i.test(assignor ?? '')) {
    const better = 'cooperative-sticky, or group.protocol=consumer';
    words.push(`all members stood still meanwhile; with ${better}, only what moves does`);
  }
  return words.length === 0 ? undefined : words.join('. ');
}
