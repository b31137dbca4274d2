// Telling those who listen: one who throws keeps nobody else from being told.

/** Calls each listener with `what`; `onFault` hears of those that threw. */
export function tellEach<T>(
  listeners: Iterable<(what: T) => void>,
  what: T,
  onFault: (error: unknown) => void,
): void {
  for (const listener of listeners) {
    try {
      listener(what);
    } catch (error) {
      onFault(error);
    }
  }
}
