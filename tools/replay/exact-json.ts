// JSON whose whole numbers stay what they are: those that a number cannot hold, as ids of 64 bits, come as bigint,
// where JSON.parse takes them for their neighbours.

export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** Begins what stands for a bigint in between. */
const MARK = '\u0000int ';

/** Strings, so that nothing inside one is taken for a number, and numbers. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Throws SyntaxError. */
export function parseExactly(text: string): Json {
  const plain = JSON.parse(text) as Json;
  // Nothing as long as that, or strings that could be mistaken for our mark.
  if (!/\d{16}/.test(text) || text.includes('\\u0000')) return plain;
  const marked = text.replaceAll(token, (found) =>
    isBig(found) ? `"\\u0000int ${found}"` : found,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  ) as Json;
}

/** As it was typed: a bigint where a number would be another one. */
export function exactNumber(text: string): number | bigint {
  return isBig(text) ? BigInt(text) : Number(text);
}

function isBig(text: string): boolean {
  return /^-?\d{16,}$/.test(text) && !Number.isSafeInteger(Number(text));
}

/** As JSON.stringify, which refuses a bigint. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one));
}
