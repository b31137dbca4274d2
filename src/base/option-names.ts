// Names of options, checked for callers without types: one that is misspelt, or another library's, would change nothing
// and say nothing.

/** Every name of `T`; the compiler sees to it that none is missing. */
export type NamesOf<T> = Readonly<Record<keyof T, true>>;

/** What is wrong with a name that is not among `names`, of `what` as in 'a producer'; null when all are known. */
export function unknownOption(
  what: string,
  options: object,
  names: Readonly<Record<string, unknown>>,
): string | null {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return null;
  return `${what} has no option '${unknown}'; there are ${Object.keys(names).join(', ')}`;
}
