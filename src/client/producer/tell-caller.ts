// Telling those who gave records what became of them: one who throws keeps nobody else from being told.

/** Hears what a callback threw. */
export type OnFault = (error: unknown) => void;

/** Calls `callback`, if there is one, with `what`. */
export function tellCaller<T>(
  callback: ((what: T) => void) | null | undefined,
  what: T,
  onFault: OnFault,
): void {
  try {
    callback?.(what);
  } catch (error) {
    onFault(error);
  }
}

/** For whoever runs the program. */
export function faultMessage(error: unknown): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `a callback that was given to a producer with a record threw, and the producer goes on: ${what}`;
}
