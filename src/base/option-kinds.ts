// What options may be, checked for callers without types: a misspelt name, or another library's, and a word that is
// none of those there are, would change nothing and say nothing; a number in quotes would be added to others as text.

/** What an option may be. Left out (`undefined`) is always fine. */
export interface OptionKind {
  /** In words: `write …`. */
  readonly wanted: string;
  readonly fits: (value: unknown) => boolean;
}

/** A kind for every name of `T`; the compiler sees to it that none is missing. */
export type KindsOf<T> = Readonly<Record<keyof T, OptionKind>>;

export const flag: OptionKind = {
  wanted: 'true or false',
  fits: (value) => typeof value === 'boolean',
};

export const text: OptionKind = {
  wanted: 'text',
  fits: (value) => typeof value === 'string' && value !== '',
};

export const callback: OptionKind = {
  wanted: 'a function',
  fits: (value) => typeof value === 'function',
};

export const abortSignal: OptionKind = {
  wanted: 'the signal of an AbortController',
  fits: (value) => value instanceof AbortSignal,
};

/** For what is looked at elsewhere. */
export const anything: OptionKind = { wanted: 'anything', fits: () => true };

export function numberFrom(least: number): OptionKind {
  return {
    wanted: `a number from ${least} on`,
    fits: (value) => typeof value === 'number' && value >= least,
  };
}

export function oneOf(...allowed: readonly (string | number)[]): OptionKind {
  return {
    wanted: `one of ${allowed.join(', ')}`,
    fits: (value) => allowed.some((one) => one === value),
  };
}

/** What is wrong with the options of `what`, as in 'a producer'; null when nothing is. */
export function wrongOption(
  what: string,
  options: object,
  kinds: Readonly<Record<string, OptionKind>>,
): string | null {
  const names = Object.keys(kinds);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return `${what} takes its options as an object, as { ${names[0]}: … }, not ${shown(options)}`;
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(kinds, name));
  if (unknown !== undefined) {
    return `${what} has no option '${unknown}'; there are ${names.join(', ')}`;
  }
  for (const [name, value] of Object.entries(options)) {
    const kind = kinds[name];
    if (value === undefined || kind === undefined || kind.fits(value)) continue;
    return `${name} ${shown(value)}: write ${kind.wanted}`;
  }
  return null;
}

/** A value for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return '(a function)';
  if (Array.isArray(value)) return '(a list)';
  return typeof value === 'object' && value !== null ? '(an object)' : String(value);
}
