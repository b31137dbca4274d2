// Members that went, for as long as one may come back and tell by it how long it was away.

import type { MemberFacts } from './facts.ts';
import { type Departure, saidPollTimeout } from './words.ts';

/** Kept of one group at most, the last ones. */
const KEPT_MAX = 64;
/** Whoever comes later than this after it went is new. */
const KEPT_MS = 3_600_000;

export class Departures {
  readonly #gone = new Map<string, Departure>();
  #lastMs = 0;

  isOver(nowMs: number): boolean {
    return this.#gone.size === 0 || nowMs - this.#lastMs > KEPT_MS;
  }

  add(gone: Departure, nowMs: number): void {
    const { memberId } = gone.member;
    this.#gone.delete(memberId);
    this.#gone.set(memberId, gone);
    this.#lastMs = nowMs;
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > KEPT_MAX && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** Something came under this id: the departure, the first time. One who left may still have a request on its way. */
  heard(memberId: string, nowMs: number): Departure | null {
    const gone = this.#gone.get(memberId);
    if (gone === undefined || gone.how === 'left') return null;
    return this.#take(gone, nowMs);
  }

  /** A member joined: its departure, if the same process has been a member before. */
  returned(member: MemberFacts, nowMs: number): Departure | null {
    const same = this.#gone.get(member.memberId) ?? this.#bySameConnection(member);
    if (same === undefined) return null;
    // A client that said why it left (closed, unsubscribed) may come back whenever it likes.
    const explained = same.how === 'left' && same.reason !== null && same.reason !== '';
    if (explained && !saidPollTimeout(same.reason)) return null;
    return this.#take(same, nowMs);
  }

  #bySameConnection(member: MemberFacts): Departure | undefined {
    if (member.connectionId === null) return undefined;
    return [...this.#gone.values()]
      .reverse()
      .find((gone) => gone.member.connectionId === member.connectionId);
  }

  #take(gone: Departure, nowMs: number): Departure | null {
    this.#gone.delete(gone.member.memberId);
    return nowMs - gone.atMs > KEPT_MS ? null : gone;
  }
}
