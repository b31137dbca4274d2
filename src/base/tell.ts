// Telling those who listen: one who throws keeps nobody else from being told.

/** Hears what a listener threw. */
export type OnFault = (error: unknown) => void;

/** Calls the listener, if there is one, with `what`. */
export function tell<T>(
  listener: ((what: T) => void) | null | undefined,
  what: T,
  onFault: OnFault,
): void {
  try {
    listener?.(what);
  } catch (error) {
    onFault(error);
  }
}

/** Calls each listener with `what`. */
export function tellEach<T>(
  listeners: Iterable<(what: T) => void>,
  what: T,
  onFault: OnFault,
): void {
  for (const listener of listeners) tell(listener, what, onFault);
}
