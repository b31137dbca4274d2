// What a request names over and over is answered once, as Kafka does for Metadata. Each mention takes a few bytes and
// would be answered with all there is to tell: a request of a megabyte with more than fits into memory.

/** Whether a partition of something is named for the first time. */
export function firstMention(): (of: string, index: number) => boolean {
  const seen = new Set<string>();
  return (of, index) => {
    const { size } = seen;
    return seen.add(`${of}/${index}`).size > size;
  };
}

/** Each thing once, where it is named first. */
export function once<T>(named: readonly T[], keyOf: (one: T) => string | number): T[] {
  const seen = new Map<string | number, T>();
  for (const one of named) {
    const key = keyOf(one);
    if (!seen.has(key)) seen.set(key, one);
  }
  return seen.size === named.length ? [...named] : [...seen.values()];
}
