// Keeps the process running while somebody in it waits for something that is no file and no socket.

/** The longest that Node's timers take. */
const FOREVER_MS = 2 ** 31 - 1;

const { setInterval: startInterval } = globalThis;
let handle: NodeJS.Timeout | null = null;
let holders = 0;

/** Holds the process until {@link letGo} was called as often. */
export function hold(): void {
  holders += 1;
  if (holders > 1) return;
  handle ??= startInterval(() => {}, FOREVER_MS);
  handle.ref();
}

/** Undoes one {@link hold}. */
export function letGo(): void {
  holders -= 1;
  if (holders === 0) handle?.unref();
}
