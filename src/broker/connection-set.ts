// All connections of a broker: who is connected, who is idle, and how they end.

import type { CancelTimer } from '../base/ports.ts';
import { Connection, type ConnectionServices } from './connection.ts';
import type { PeerHandler, PeerSocket } from './socket.ts';

/** A peer that owes us bytes while others wait for its memory is given this long. */
const STUCK_MS = 30_000;
const SWEEP_MS = 10_000;

export interface ConnectionSetOptions extends ConnectionServices {
  /** `connections.max.idle.ms`. */
  readonly idleMs: number;
}

export class ConnectionSet {
  readonly #options: ConnectionSetOptions;
  readonly #open = new Set<Connection>();
  #nextId = 1;
  #cancelSweep: CancelTimer | undefined;
  #closing = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: ConnectionSetOptions) {
    this.#options = options;
    this.#scheduleSweep();
  }

  get size(): number {
    return this.#open.size;
  }

  accept(socket: PeerSocket): PeerHandler {
    const { metrics } = this.#options;
    const connection = new Connection(this.#nextId++, socket, this.#options, (closed) => {
      this.#open.delete(closed);
      metrics.connections--;
      if (this.#open.size === 0) this.#onEmpty?.();
    });
    metrics.connections++;
    metrics.connectionsAccepted++;
    this.#open.add(connection);
    if (this.#closing) connection.destroy();
    return connection;
  }

  /**
   * Lets every connection finish what it has begun, for at most `graceMs`, then closes what is
   * left.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#cancelSweep?.();
    if (this.#open.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    const cancel = this.#options.clock.setTimer(graceMs, () => {
      for (const connection of this.#open) connection.destroy();
    });
    for (const connection of this.#open) connection.finish();
    await empty;
    cancel();
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#options.clock.setTimer(SWEEP_MS, () => {
      this.#options.frames.trim();
      this.#sweep();
      if (!this.#closing) this.#scheduleSweep();
    });
  }

  #sweep(): void {
    const { clock, gate, idleMs, metrics, logger } = this.#options;
    const now = clock.monotonic();
    for (const connection of this.#open) {
      const silentMs = now - connection.lastActiveMs;
      const idle = silentMs >= idleMs && (connection.quiet || connection.stuck);
      const blocking = !gate.open && connection.stuck && silentMs >= STUCK_MS;
      // One that trickles would keep all others from finishing theirs.
      const hoarding = now - (connection.finishingSinceMs ?? now) >= STUCK_MS;
      if (!idle && !blocking && !hoarding) continue;
      metrics.connectionsClosedIdle++;
      logger.info({ client: connection.clientHost, silentMs }, 'closing an idle connection');
      connection.destroy();
    }
  }
}
