// The question before something is destroyed, as somebody at a terminal answers it.

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from '../../../src/cli/confirm.ts';
import type { CliIo } from '../../../src/cli/io.ts';

const terminal: CliIo = {
  data: () => Promise.resolve(),
  say: () => {},
  progress: () => {},
  dataIsTerminal: true,
  wordsAreTerminal: true,
  inputIsTerminal: true,
};

function answered(keys: string): Promise<boolean> {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const answer = confirm(terminal, 'delete it', {}, { input, output });
  input.write(keys);
  return answer;
}

test.each([
  ['y\r', true],
  ['YES\r', true],
  ['n\r', false],
  ['\r', false],
  ['\x04', false],
])('%j means %s', async (keys, yes) => {
  expect(await answered(keys)).toBe(yes);
});

test('Ctrl-C ends the command, as everywhere: the next one of several is not asked about', async () => {
  await expect(answered('\x03')).rejects.toMatchObject({ exitCode: 130, message: 'interrupted' });
});
