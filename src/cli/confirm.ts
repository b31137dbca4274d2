// The question before something is destroyed.

import { createInterface } from 'node:readline';
import { usageError } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/**
 * Asks on a terminal; without one `--yes` is required. Resolves with whether to go on. Throws a usage error when nobody
 * can be asked.
 */
export async function confirm(
  io: CliIo,
  what: string,
  options: { readonly yes?: boolean },
): Promise<boolean> {
  if (options.yes === true) return true;
  if (!io.inputIsTerminal || !io.wordsAreTerminal) {
    throw usageError(`${what}: nobody is here to ask`, 'add --yes to do it, --dry-run to see it');
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      reader.on('close', () => resolve(''));
      reader.question(`${what}? [y/N] `, resolve);
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}
