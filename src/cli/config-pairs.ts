// Configs as they are typed: key=value, key+=item, key-=item, with units where Kafka counts in ms and bytes.

import { parseByteSize } from '../base/byte-size.ts';
import { parseDuration } from '../base/duration.ts';
import type { ConfigChange } from '../client/index.ts';
import { usageError } from './exit-codes.ts';

/** One change, ready for the admin calls. */
export interface TypedChange {
  readonly name: string;
  readonly operation: 'set' | 'append' | 'subtract';
  readonly value: string;
}

/** Reads the pairs of a repeatable option. Throws a usage error that names the option. */
export function configPairs(pairs: readonly string[], option: string): TypedChange[] {
  return pairs.map((pair) => {
    const match = /^\s*([^=\s+-][^=\s]*?)\s*([+-]?)=(.*)$/s.exec(pair);
    const [, name = '', sign = '', value = ''] = match ?? [];
    if (match === null) throw usageError(`${option} ${pair}: write key=value`);
    const operation = sign === '+' ? 'append' : sign === '-' ? 'subtract' : 'set';
    return { name, operation, value: plainValue(name, value.trim()) };
  });
}

/** What a change has done, or would do. */
export function changeWords(change: ConfigChange, isDry: boolean): string {
  const { name, operation, value } = change;
  const verb = isDry ? 'would be' : 'is';
  switch (operation) {
    case 'delete':
      return `${name} ${verb} the default again`;
    case 'append':
      return `${name} ${verb} extended by ${value}`;
    case 'subtract':
      return `${name} ${verb} without ${value}`;
    case 'set':
      return `${name} ${verb} ${value}`;
  }
}

/** `retention.ms=7d` → milliseconds, `segment.bytes=64MiB` → bytes; everything else as it is. */
export function plainValue(name: string, value: string): string {
  if (/^-?\d+$/.test(value)) return value;
  if (name.endsWith('.ms')) return tryUnit(value, parseDuration);
  if (name.endsWith('.bytes')) return tryUnit(value, parseByteSize);
  return value;
}

/** What has no unit that we know is left to the broker, which says what it allows. */
function tryUnit(value: string, parse: (text: string) => number): string {
  try {
    return String(parse(value));
  } catch {
    return value;
  }
}
