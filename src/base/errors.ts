// One base for everything we throw: a stable code, a message that says what to do next, and the cause kept.

const brand = Symbol.for('tidemark.error');

/**
 * Base class of all errors thrown by Tidemark. `code` is stable and documented; `message` may be reworded.
 * Recognise it with {@link isTidemarkError}, which also works across two installed copies of the package.
 */
export class TidemarkError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for any error of this package, whichever copy of the package made it. */
export function isTidemarkError(error: unknown): error is TidemarkError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** What it says; JavaScript throws anything. */
export function textOfError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same with the stack, for whoever has to find the fault. */
export function stackOfError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Itself where it is an Error, else one that says it. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** An invariant of our own code is broken: a bug, never the user's fault. */
export class AssertionError extends TidemarkError<'assertion_failed'> {
  constructor(message: string) {
    super(
      'assertion_failed',
      `invariant broken: ${message} (this is a bug in Tidemark, please report it)`,
    );
  }
}

/** Checks an invariant of our own code. Use errors, not this, for what the outside world may do. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
