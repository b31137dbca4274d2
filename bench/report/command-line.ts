// The command of a run as a reader would type it again.

import { readGiven, shellQuoted, shownCommand } from '../peers/index.ts';

/** Options whose values have paths of one machine, and how these are shown. */
const LOCAL: Readonly<Record<string, (value: string) => string>> = {
  '--klite': () => 'PATH',
  '--peer': (value) => {
    const peer = readGiven(value);
    return peer === undefined ? value : `${peer.name}=${shownCommand(peer)}`;
  },
};
/** Where the result goes is no part of what was measured. */
const LEFT_OUT = '--out';

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
      const value = equals < 0 ? (words[at] ?? '') : word.slice(equals + 1);
      if (local !== undefined) shown.push(name, shellQuoted(local(value)));
    } else shown.push(shellQuoted(word));
  }
  return `npm run bench -- ${shown.join(' ')}`.trim();
}
