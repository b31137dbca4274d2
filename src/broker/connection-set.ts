// All connections of a broker: who is connected, who is idle, and how they end.

import type { CancelTimer } from '../base/ports.ts';
import { Connection, type ConnectionServices } from './connection.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { Endpoint } from './services.ts';
import type { PeerHandler, PeerSocket } from './socket.ts';

/** A peer that holds memory others wait for is given this long for an answer, or for a frame. */
const STUCK_MS = 30_000;
const SWEEP_MS = 10_000;

export interface ConnectionSetOptions extends ConnectionServices {
  /** `connections.max.idle.ms`; negative: for ever. */
  readonly idleMs: number;
  readonly limits: ConnectionLimits;
}

export class ConnectionSet {
  readonly #options: ConnectionSetOptions;
  readonly #open = new Set<Connection>();
  /** How many of them come from each address. */
  readonly #byHost = new Map<string, number>();
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

  /** The peer is told that the broker is at `advertised`, else where it has reached it. */
  accept(socket: PeerSocket, advertised: Endpoint | null = null): PeerHandler {
    const { metrics } = this.#options;
    const { remoteHost, localHost, localPort } = socket;
    const endpoint = {
      host: advertised?.host ?? localHost,
      port: advertised?.port || localPort,
    };
    const ended = (closed: Connection): void => {
      this.#open.delete(closed);
      this.#count(remoteHost, -1);
      metrics.connections--;
      if (this.#open.size === 0) this.#onEmpty?.();
    };
    const connection = new Connection(this.#nextId++, socket, endpoint, this.#options, ended);
    metrics.connections++;
    metrics.connectionsAccepted++;
    this.#open.add(connection);
    this.#count(remoteHost, 1);
    if (this.#closing || this.#isOneTooMany(remoteHost)) connection.destroy();
    return connection;
  }

  #count(host: string, change: 1 | -1): void {
    const count = (this.#byHost.get(host) ?? 0) + change;
    if (count === 0) this.#byHost.delete(host);
    else this.#byHost.set(host, count);
  }

  #isOneTooMany(host: string): boolean {
    const { limits, logger, metrics } = this.#options;
    const fromHost = this.#byHost.get(host) ?? 0;
    if (this.#open.size <= limits.max && fromHost <= limits.of(host)) return false;
    metrics.connectionsRefused++;
    const fields = { client: host, connections: this.#open.size, fromHost };
    logger.info(fields, 'closing a connection: one more than max.connections or .per.ip allows');
    return true;
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

  /**
   * Whether it holds its share of the memory, or more, while there is none left. Of those who together hold all of it
   * one at least does; one whose answer lies in files does not.
   */
  #keepsOthersWaiting(connection: Connection): boolean {
    const { gate } = this.#options;
    return !gate.open && connection.heldBytes * this.#open.size >= gate.limitBytes;
  }

  #sweep(): void {
    const { clock, idleMs, metrics, logger } = this.#options;
    const now = clock.monotonic();
    for (const connection of this.#open) {
      const silentMs = now - connection.lastActiveMs;
      const stillMs = Math.min(silentMs, now - connection.lastTakenMs(now));
      const still = idleMs >= 0 && stillMs >= idleMs;
      const idle = still && (connection.quiet || connection.stuck);
      // What it takes of an answer meanwhile does not count: one that trickles would keep all others waiting.
      const blocking =
        silentMs >= STUCK_MS && connection.stuck && this.#keepsOthersWaiting(connection);
      // One that trickles would keep all others from finishing theirs.
      const hoarding = now - (connection.finishingSinceMs ?? now) >= STUCK_MS;
      if (!idle && !blocking && !hoarding) continue;
      metrics.connectionsClosedIdle++;
      logger.info({ client: connection.clientHost, silentMs }, 'closing an idle connection');
      connection.destroy();
    }
  }
}
