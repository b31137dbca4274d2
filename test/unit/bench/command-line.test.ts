// The command that a result names can be typed again.

import { expect, test } from 'vitest';
import { commandText } from '../../../bench/report/command-line.ts';

test('words with spaces are quoted, so that the command can be typed again', () => {
  const words = ['brokers', '--only', 'consume 1 KiB', '--rounds=3', '--only', "it's"];
  expect(commandText(words)).toBe(
    `npm run bench -- brokers --only 'consume 1 KiB' --rounds=3 --only 'it'\\''s'`,
  );
  expect(commandText([])).toBe('npm run bench --');
});

test('paths of this machine are left out', () => {
  const words = ['--klite', '/a b/klite', '--out', '/tmp/x.json', '--peers', 'klite'];
  expect(commandText(words)).toBe('npm run bench -- --klite PATH --peers klite');
  expect(commandText(['--klite=/x', '--out=/y', 'micro'])).toBe(
    'npm run bench -- --klite PATH micro',
  );
  const peer = `x='/a b/x' --at PLAINTEXT://127.0.0.1:{port} --conf=/etc/x.conf --data {data}/log`;
  const shown = `npm run bench -- --peer 'x=x --at PLAINTEXT://127.0.0.1:{port} --conf=x.conf --data {data}/log'`;
  expect(commandText(['--peer', peer])).toBe(shown);
  expect(commandText([`--peer=${peer}`])).toBe(shown);
});
