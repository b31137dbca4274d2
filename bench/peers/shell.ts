// Command lines as people write them: words, quotes and backslashes as a shell has them, nothing else of a shell.

const WORDS = /^(?:\s+|[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*$/s;
const WORD = /(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs;
const QUOTED = /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs;

/** The words of a command line; undefined where a quote has no end. */
export function shellWords(text: string): string[] | undefined {
  if (!WORDS.test(text)) return undefined;
  return (text.match(WORD) ?? []).map((word) =>
    word.replaceAll(
      QUOTED,
      (_all, escaped?: string, single?: string, double?: string) =>
        escaped ?? single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? '',
    ),
  );
}

const PLAIN = /^(?:[\w.,:=/@%+-]|\{port\}|\{data\})+$/;

/** The word so that a shell reads it as one. */
export const shellQuoted = (word: string): string =>
  PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
