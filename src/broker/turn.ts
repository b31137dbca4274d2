// One connection's share of the event loop. Handlers that need no I/O answer within the same turn,
// so a client that has sent many requests at once would have all of them served before anybody
// else's bytes are even read: heartbeats and fetches of others would wait for seconds. A connection
// that has had its time goes on in the next turn of the loop.

import type { Clock } from '../base/ports.ts';

/** What one connection may take in a turn; the request under way is finished. */
const TURN_MS = 1;

export class Turn {
  readonly #clock: Clock;
  readonly #goOn: () => void;
  #beganMs = 0;
  #deferred = false;

  /** `goOn` is called in a turn of its own whenever {@link mayGoOn} has said no. */
  constructor(clock: Clock, goOn: () => void) {
    this.#clock = clock;
    this.#goOn = goOn;
  }

  /** The connection has been given a turn. `nowMs` is monotonic. */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
  }

  /** Whether another request may be started in this turn. */
  mayGoOn(): boolean {
    if (this.#deferred) return false;
    if (this.#clock.monotonic() - this.#beganMs < TURN_MS) return true;
    this.#deferred = true;
    this.#clock.defer(() => {
      this.#deferred = false;
      this.begin(this.#clock.monotonic());
      this.#goOn();
    });
    return false;
  }
}
