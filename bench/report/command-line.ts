// The command of a run as a reader would type it again.

/** Options whose values are paths of one machine. */
const LOCAL: Readonly<Record<string, string>> = { '--klite': 'PATH' };
/** Where the result goes is no part of what was measured. */
const LEFT_OUT = '--out';

const quoted = (word: string): string =>
  /^[\w.,:=/@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** `npm run bench -- …` with the words that a shell gave. */
export function commandText(words: readonly string[]): string {
  const shown: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const local = LOCAL[name];
    if (name === LEFT_OUT || local !== undefined) {
      if (equals < 0) at += 1;
      if (local !== undefined) shown.push(name, local);
    } else shown.push(quoted(word));
  }
  return `npm run bench -- ${shown.join(' ')}`.trim();
}
