// A member's place in its group between loops: given up after a loop that failed, taken again by the next.

import { atMost } from '../../base/pause.ts';
import type { Clock } from '../../base/ports.ts';
import type { Member } from './membership.ts';

/** How long a loop that fails waits for the group to be left, in ms, when a broker does not answer. */
const STEP_OUT_MS = 5_000;

export interface SeatEvents {
  /** The group was not left in order; that is all that came of it. */
  trouble(error: unknown): void;
  /** The group cannot be joined again. */
  failed(error: unknown): void;
}

export class Seat {
  readonly #member: Member;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #events: SeatEvents;
  /** Set once the group was or is being left. */
  #away: Promise<void> | null = null;

  /** `closing`: once it is aborted, nobody comes back. */
  constructor(member: Member, clock: Clock, closing: AbortSignal, events: SeatEvents) {
    this.#member = member;
    this.#clock = clock;
    this.#closing = closing;
    this.#events = events;
  }

  /** Commits and leaves the group, until {@link comeBack}. */
  async stepOut(): Promise<void> {
    if (this.#closing.aborted) return;
    const away = this.#member.leave().catch((error: unknown) => this.#events.trouble(error));
    this.#away = away;
    await atMost(this.#clock, STEP_OUT_MS, away);
  }

  /** Joins again, if it was left. */
  comeBack(): void {
    const away = this.#away;
    if (away === null) return;
    this.#away = null;
    away
      .then(() => (this.#closing.aborted ? undefined : this.#member.run()))
      .catch((error: unknown) => this.#events.failed(error));
  }
}
