// The question before something is destroyed.

import { createInterface } from 'node:readline';
import { CliError, ExitCode, usageError } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** Where somebody is asked. */
interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks on a terminal; without one `--yes` is required. Resolves with whether to go on. Throws a usage error when nobody
 * can be asked, and a CliError at Ctrl-C.
 */
export async function confirm(
  io: CliIo,
  what: string,
  options: { readonly yes?: boolean },
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (options.yes === true) return true;
  if (!io.inputIsTerminal || !io.wordsAreTerminal) {
    throw usageError(`${what}: nobody is here to ask`, 'add --yes to do it, --dry-run to see it');
  }
  const reader = createInterface(terminal);
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      reader.on('SIGINT', () => reject(new CliError(ExitCode.interrupted, 'interrupted')));
      reader.on('close', () => resolve(''));
      reader.question(`${what}? [y/N] `, resolve);
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}
