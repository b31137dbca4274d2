// Where a command reads and writes. Standard output carries data only, standard error words only.

import { inspect, styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Standard streams as the commands see them. */
export interface CliIo {
  /**
   * Writes data; resolves when more may be written (back-pressure). Throws {@link ReaderGoneError} where that was asked
   * for, and then resolves only once all of it was taken.
   */
  data(text: string | Uint8Array): Promise<void>;
  /** Writes a line for people. */
  say(line: string): void;
  /** Replaces the last line of progress, on a terminal only. `''` removes it. */
  progress(line: string): void;
  readonly dataIsTerminal: boolean;
  readonly wordsAreTerminal: boolean;
  readonly inputIsTerminal: boolean;
}

function wantsColour(isTerminal: boolean): boolean {
  const { env } = process;
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return isTerminal && env['TERM'] !== 'dumb';
}

/** Colours `text` when the stream it goes to shows colours. */
export function paint(style: Style, text: string, stream: 'data' | 'words' = 'data'): string {
  const isTerminal = (stream === 'data' ? process.stdout : process.stderr).isTTY === true;
  // styleText of later Nodes looks at the stream itself, earlier ones do not know the option: decide here.
  if (!wantsColour(isTerminal)) return text;
  const codes = inspect.colors[style];
  if (codes === undefined) return styleText(style, text);
  return `\u001b[${codes[0]}m${text}\u001b[${codes[1]}m`;
}

/** Whoever read the standard output went away (`| head`). */
export class ReaderGoneError extends Error {}

export interface IoOptions {
  /** What a reader that goes away (`| head`) does: end the process quietly (default), or make `data` throw. */
  readonly readerGone?: 'ends' | 'throws';
}

function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error?: NodeJS.ErrnoException | null) => {
      if (!error) resolve();
      // Any other error ends the process.
      else if (error.code === 'EPIPE') reject(new ReaderGoneError());
    });
  });
}

/** The process's own streams. */
export function processIo({ readerGone = 'ends' }: IoOptions = {}): CliIo {
  let progressShown = false;
  let hasWritten = false;
  const { stdout, stderr, stdin } = process;
  const throws = readerGone === 'throws';
  const failed = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') process.exit(0);
    process.exit(1);
  };
  stderr.on('error', failed);
  const dataFailed = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE' && throws) return;
    if (error.code !== 'EPIPE') {
      stderr.write(`error: cannot write to standard output: ${error.message}\n`);
    }
    failed(error);
  };
  const clearProgress = (): void => {
    if (progressShown) stderr.write('\r\u001b[K');
    progressShown = false;
  };
  return {
    data(text) {
      clearProgress();
      // Others of this process may only speak: then what becomes of the data is not theirs to decide.
      if (!hasWritten) stdout.on('error', dataFailed);
      hasWritten = true;
      if (throws) return write(stdout, text);
      if (stdout.write(text)) return Promise.resolve();
      return new Promise((resolve) => stdout.once('drain', resolve));
    },
    say(line) {
      clearProgress();
      stderr.write(`${line}\n`);
    },
    progress(line) {
      if (stderr.isTTY !== true) return;
      clearProgress();
      if (line === '') return;
      stderr.write(`\r${line.slice(0, Math.max(20, stderr.columns - 1))}`);
      progressShown = true;
    },
    dataIsTerminal: stdout.isTTY === true,
    wordsAreTerminal: stderr.isTTY === true,
    inputIsTerminal: stdin.isTTY === true,
  };
}
