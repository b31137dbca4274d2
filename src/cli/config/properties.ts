// Java .properties and JSON files of settings.

import { textOfError } from '../../base/errors.ts';
import { usageError } from '../exit-codes.ts';

/** Reads a file's text: JSON when it begins with a brace, else .properties. Nested JSON joins names by dots. */
export function parseConfigFile(text: string, path: string): Map<string, string> {
  return text.trimStart().startsWith('{') ? parseJsonFile(text, path) : parseProperties(text);
}

/** `key=value`, `key: value`, `key value`; `#` and `!` begin comments; a backslash joins lines and escapes. */
export function parseProperties(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const joined = text.replace(/\r\n?/g, '\n').replace(/((?:^|[^\\])(?:\\\\)*)\\\n[ \t]*/g, '$1');
  for (const line of joined.split('\n')) {
    const body = line.trimStart();
    if (body === '' || body.startsWith('#') || body.startsWith('!')) continue;
    const match = /^((?:\\.|[^\\\s=:])+)\s*[=:]?\s*(.*)$/s.exec(body);
    if (match?.[1] !== undefined)
      values.set(unescaped(match[1]), unescaped(match[2] ?? '').trimEnd());
  }
  return values;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|(.))/gi, (_, code?: string, character?: string) =>
    code === undefined
      ? (escapes[character ?? ''] ?? character ?? '')
      : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function parseJsonFile(text: string, path: string): Map<string, string> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw usageError(`${path} is not JSON: ${textOfError(cause)}`);
  }
  const values = new Map<string, string>();
  collect(document, '', values);
  return values;
}

function collect(value: unknown, name: string, values: Map<string, string>): void {
  if (Array.isArray(value)) {
    values.set(name, value.join(','));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      collect(inner, name === '' ? key : `${name}.${key}`, values);
    }
  } else if (value !== null) {
    values.set(name, String(value));
  }
}
