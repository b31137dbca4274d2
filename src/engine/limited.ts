// Runs many asynchronous pieces of work, a few at a time.

/**
 * Calls `work` for every item, at most `limit` at a time, in order of start. Resolves when all are
 * done; the first rejection is thrown after the ones under way have ended, and starts no more.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: limit }, lane));
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
  }
}
