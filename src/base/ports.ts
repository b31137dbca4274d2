// Ports that every layer may need: time, randomness, logging. Real ones live in src/host, simulated ones in the tests.

/** Cancels a timer; calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Time, handed in everywhere so that a whole broker can run under a virtual clock. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. It may jump either way. */
  now(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonic(): number;
  /** Runs `fire` once after `delayMs` (≥ 0) of monotonic time. A broker's timers never keep the process alive. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
  /** Runs `fire` after the callbacks of the current turn, before timers. */
  defer(fire: () => void): void;
}

/** Randomness, handed in so that a seed replays a run. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Fresh random bytes. */
  bytes(length: number): Buffer;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Any pino-shaped logger: fields first, then the message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
