// The process's own channel for what its owner should know and nobody has asked for: `node --no-warnings` is silent.

/** Warns as `TidemarkWarning`, on standard error unless the program listens. */
export function warnProcess(message: string): void {
  process.emitWarning(message, { type: 'TidemarkWarning' });
}
