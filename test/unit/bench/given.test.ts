// A peer by its command: its words, how it is started, and that nothing of it stays, whoever started what.

import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import {
  type GivenPeer,
  type PeerBroker,
  readGiven,
  shellQuoted,
  startBroker,
  withLastWords,
} from '../../../bench/peers/index.ts';
import { shellWords } from '../../../bench/peers/shell.ts';

test('words are those of a shell', () => {
  expect(shellWords(` a  'b c'd "e \\" \\f" g\\ h '' `)).toEqual([
    'a',
    'b cd',
    'e " \\f',
    'g h',
    '',
  ]);
  for (const open of [`a 'b`, 'a "b', 'a \\']) expect(shellWords(open)).toBeUndefined();
  const words = ['a b', "it's", '', '{port}', 'x{y,z}', '$HOME', '"'];
  expect(shellWords(words.map(shellQuoted).join(' '))).toEqual(words);
});

/** Answers whatever it is sent, and shows that it got its folder. */
const SERVER = `
  require('node:fs').writeFileSync(process.argv[2] + '/data', '');
  const server = require('node:net').createServer((socket) => socket.on('data', () => socket.write('yes')));
  server.listen(Number(process.argv[1]), '127.0.0.1');
`;

const peer = (...words: string[]): GivenPeer => ({ name: 'mine', words });
const start = (given: GivenPeer): Promise<PeerBroker> => startBroker({ kind: 'given', given });
const node = `"${process.execPath}" -e "$0" {port} {data}`;

/** One that has ended may wait for its parent: no process any more. */
function isRunning(pid: string): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(socket.destroy().destroyed));
    socket.once('error', () => resolve(false));
  });
}

test.each([
  ['the program itself', peer(process.execPath, '-e', SERVER, '{port}', '{data}')],
  ['a script around it', peer('sh', '-c', `${node}; true`, SERVER)],
])('%s is started on a port and a folder, and stopped', async (_name, given) => {
  const broker = await start(given);
  expect(broker.port).toBeGreaterThan(0);
  // Whose processor time and memory are counted: who listens, not the script.
  expect(readlinkSync(`/proc/${broker.pid}/exe`)).toBe(realpathSync(process.execPath));
  expect(existsSync(`${broker.logDirectory}/data`)).toBe(true);
  await broker.stop();
  expect(await isListening(broker.port)).toBe(false);
  expect(existsSync(broker.logDirectory)).toBe(false);
});

test('kill ends what a script has started, too', async () => {
  const broker = await start(peer('sh', '-c', `${node}; true`, SERVER));
  await broker.kill();
  expect(await isListening(broker.port)).toBe(false);
  await broker.stop().catch(() => undefined);
});

test.each([
  ['ends', 'echo no luck >&2; exit 3', 'mine: ended with 3: no luck'],
  ['is killed', 'echo no luck >&2; kill -9 $$', 'mine: ended with 137: no luck'],
  ['leaves another behind', 'sleep 300 & echo $! >&2; exit 0', /^mine: ended with 0: \d+$/],
])('one that %s before it answers is told with its last words', async (_name, script, said) => {
  const error = await start(peer('sh', '-c', `: {port}; ${script}`)).catch((one: unknown) => one);
  const { message } = error as Error;
  if (typeof said === 'string') expect(message).toBe(said);
  else expect(message).toMatch(said);
  const left = /with 0: (\d+)/.exec(message)?.[1];
  if (left !== undefined) expect(isRunning(left)).toBe(false);
});

test('one that fails later is told with its last words, too; others have their log there', async () => {
  const fails = () => Promise.reject(new Error('no answer'));
  const errors = () => 'panic';
  const given = withLastWords({ kind: 'given', errors }, fails);
  await expect(given).rejects.toThrow(/^no answer; the last it wrote: panic$/);
  await expect(withLastWords({ kind: 'kafka', errors }, fails)).rejects.toThrow(/^no answer$/);
});

test('a name is what stands before the first =', () => {
  expect(readGiven('x=y --a=b')).toEqual({ name: 'x', words: ['y', '--a=b'] });
});
