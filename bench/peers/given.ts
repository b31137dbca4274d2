// Peers that nobody installs for us: brokers that speak Kafka's protocol, given by the command that starts them.

import { basename } from 'node:path';
import { shellQuoted, shellWords } from './shell.ts';

/** What rows and suites are for, instead of a name: every peer that was given. */
export const GIVEN = 'given';

/** A broker by its command. */
export interface GivenPeer {
  readonly name: string;
  /** The program and its arguments, with `{port}` and `{data}` in them. */
  readonly words: readonly string[];
}

export const PORT = '{port}';
const DATA = '{data}';

/** Its words for a port and a directory. */
export const commandFor = ({ words }: GivenPeer, port: number, directory: string): string[] =>
  words.map((word) => word.replaceAll(PORT, String(port)).replaceAll(DATA, directory));

/** What `NAME=COMMAND` says; undefined where it has no name, no command, or a quote without an end. */
export function readGiven(text: string): GivenPeer | undefined {
  const at = text.indexOf('=');
  const words = shellWords(text.slice(at + 1)) ?? [];
  return at < 1 || words.length === 0 ? undefined : { name: text.slice(0, at).trim(), words };
}

/** A path at the beginning of a word, or behind one of the signs that options and addresses have before it. */
const PATH = /(^|[=,:@])((?:\.{0,2}|~)\/(?!\/)[^=,:@]*)/g;

/** The command as a reader may see it: of paths of this machine only the last name. */
export function shownCommand({ words }: Pick<GivenPeer, 'words'>): string {
  const shown = words.map((word, index) =>
    index === 0
      ? basename(word)
      : word.replaceAll(PATH, (_all, before: string, path: string) => before + basename(path)),
  );
  return shown.map(shellQuoted).join(' ');
}

/**
 * klite's default is 1 GiB for all topics together, beyond which, without an object store, it drops the oldest records:
 * who reads from the start would wait for them for ever.
 */
const KLITE_LOG_BYTES = 64 * 1024 ** 3;

/** klite by the path of its binary. */
function kliteAt(binary: string): GivenPeer {
  const place = ['--listen', `127.0.0.1:${PORT}`, '--data-dir', DATA];
  const settings = ['--log-level', 'error', '--wal-max-disk-size', String(KLITE_LOG_BYTES)];
  return { name: 'klite', words: [binary, ...place, ...settings] };
}

/** Peers whose command is known, so that the path of their binary will do: `--NAME PATH`. */
export const knownPeers: Readonly<Record<string, (binary: string) => GivenPeer>> = {
  klite: kliteAt,
};
