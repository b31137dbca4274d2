// What is written wrong behind `npm run bench --` is one line that says why and what to write, before anything starts;
// and what runs when no suite is named.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readArguments, UsageError, unmatched } from '../../../bench/arguments.ts';
import { wants } from '../../../bench/suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-arguments-'));
const klite = join(folder, 'klite');
const other = join(folder, 'other.json');

beforeAll(() => {
  writeFileSync(klite, '', { mode: 0o755 });
  writeFileSync(other, '{"format":1}\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function faultOf(...words: readonly string[]): string {
  try {
    readArguments(words);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'none';
}

const PEERS = 'write some of kafka, kafka-sync, klite, nats, redis';
const PEER =
  'write --peer "redpanda=/opt/redpanda/bin/redpanda start --kafka-addr 127.0.0.1:{port} --data {data}"';
const ROUNDS = 'is no whole number from 1 on: write --rounds 3';
const FOREIGN = 'is no number above 0: write --foreign 0.35';
const NO_RESULT = 'write the path of a JSON file that npm run bench has written';

describe('a fault', () => {
  test.each([
    [['--rounds', '0'], `--rounds 0 ${ROUNDS}`],
    [['--rounds', '1.5'], `--rounds 1.5 ${ROUNDS}`],
    [['--rounds', 'two'], `--rounds two ${ROUNDS}`],
    [['--rounds=-1'], `--rounds -1 ${ROUNDS}`],
    [['--rounds', '-1'], '--rounds takes a value: write --rounds 3'],
    [['--rounds'], '--rounds takes a value: write --rounds 3'],
    [['--foreign', '0'], `--foreign 0 ${FOREIGN}`],
    [['--foreign', 'x'], `--foreign x ${FOREIGN}`],
    [['--quick=yes'], '--quick takes no value: write --quick'],
    [['--fast'], 'there is no option --fast: npm run bench -- --help shows what there is'],
    [['-x'], 'there is no option -x: npm run bench -- --help shows what there is'],
    [['--peers', 'kafka,rabbit'], `no peer rabbit is known: ${PEERS}`],
    [['--peers', ' , '], `--peers names nobody: ${PEERS}`],
    [['--peers', 'klite'], 'klite needs its binary: write --klite PATH'],
    [['--klite', '/no/klite'], "--klite: there is no /no/klite: write the path of klite's binary"],
    [['--klite', folder], `--klite: ${folder} is no file: write the path of klite's binary`],
    [['--peer'], `--peer takes a value: ${PEER}`],
    [['--peer', `sh {port}`], `--peer sh {port} is no NAME=COMMAND: ${PEER}`],
    [['--peer', `a b=sh {port}`], `--peer a b=sh {port} is no NAME=COMMAND: ${PEER}`],
    [['--peer', `a=sh "{port}`], `--peer a=sh "{port} is no NAME=COMMAND: ${PEER}`],
    [['--peer', 'a='], `--peer a= is no NAME=COMMAND: ${PEER}`],
    [['--peer', 'a=sh {data}'], `--peer a has no {port} in its command: ${PEER}`],
    [['--peer', 'kafka=sh {port}'], '--peer kafka: the name is taken: write another'],
    [['--peer', 'tidemark=sh {port}'], '--peer tidemark: the name is taken: write another'],
    [['--peer', 'tidemark-os=sh {port}'], '--peer tidemark-os: the name is taken: write another'],
    [
      ['--peer', 'a=sh {port}', '--peer', 'a=sh {port}'],
      '--peer a: the name is taken: write another',
    ],
    [
      ['--klite', klite, '--peer', 'klite=sh {port}'],
      '--peer klite: the name is taken: write another',
    ],
    [['--peer', 'a=/no/a {port}'], '--peer a: there is no /no/a: write the path of its binary'],
    [
      ['--peer', 'a=no-such-program {port}'],
      '--peer a: there is no program no-such-program in PATH: write the path of its binary',
    ],
    [
      ['--peer', `a='${other}' {port}`],
      `--peer a: ${other} cannot be run: chmod +x ${other}: write the path of its binary`,
    ],
    [['--peers', 'b', '--peer', 'a=sh {port}'], /^no peer b is known: write some of .*redis, a$/],
    [
      ['install', 'rabbit'],
      'nothing installs rabbit: write some of kafka, librdkafka, nats, redis, kcat',
    ],
    [['--out', folder], `--out ${folder} is a folder: write --out FILE`],
    [
      ['compare', 'a.json'],
      /^compare takes results: 2, not 1; write .*compare BEFORE.json AFTER.json$/,
    ],
    [['html'], /^html takes results: 1, not 0; write npm run bench -- html RESULT.json$/],
    [['readme'], /^readme takes results: at least 1, not 0; write npm run bench -- readme/],
    [['html', '/no/result.json'], `there is no /no/result.json: ${NO_RESULT}`],
    [['html', folder], `${folder} is a folder: ${NO_RESULT}`],
    [['html', klite], /klite is no result of npm run bench: /],
    [['readme', other], /other.json is no result of npm run bench: .*: measure it again$/],
    [['others'], 'the suite others has peers only: write --peers nats,redis'],
    [['broker'], /^there is no suite broker: write some of brokers, .*, html, install$/],
    [['constructor'], /^there is no suite constructor: /],
  ])('%j', (words, said) => {
    const fault = faultOf(...words);
    if (typeof said === 'string') expect(fault).toBe(said);
    else expect(fault).toMatch(said);
    expect(fault).not.toContain('\n');
  });
});

test('peers are trimmed, and klite is one of them when its binary is named', () => {
  const { options } = readArguments(['--peers', ' kafka , nats,', '--klite', klite]);
  expect(options.peers).toEqual(['kafka', 'nats', 'klite']);
  expect(readArguments(['brokers', '--rounds', '2']).options.rounds).toBe(2);
});

test('peers are given by their commands, klite by its path alone', () => {
  const words = ['--peer', 'mine=sh -c "x {port}" {data}', '--klite', klite, '--peers', 'mine'];
  const { options } = readArguments(words);
  expect(options.peers).toEqual(['mine', 'klite']);
  const [first, second] = options.given;
  expect(first?.words.slice(0, 3)).toEqual([klite, '--listen', '127.0.0.1:{port}']);
  expect(second).toEqual({ name: 'mine', words: ['sh', '-c', 'x {port}', '{data}'] });
  expect(readArguments(['--peer', 'klite=sh {port}']).options.peers).toEqual(['klite']);
  expect(readArguments(['--peer', 'tidemark-x=sh {port}']).options.peers).toEqual(['tidemark-x']);
});

test('what is installed is named, or all of it is', () => {
  expect(readArguments(['install', 'nats', 'kcat']).names).toEqual(['install', 'nats', 'kcat']);
  expect(readArguments(['install']).names).toEqual(['install']);
});

describe('when no suite is named', () => {
  const alone = ['brokers', 'restart', 'testing'];
  const beside = ['brokers', 'groups', 'restart', 'slopes', 'compaction', 'testing'];
  test.each([
    [[], alone],
    [
      ['--peers', 'nats'],
      ['brokers', 'restart', 'others', 'testing'],
    ],
    [['--peers', 'kafka-sync'], beside],
    [['--klite', klite], beside],
    [
      ['--peers', 'kafka,redis'],
      [...beside.slice(0, 4), 'others', ...beside.slice(4)],
    ],
  ])('%j', (words, names) => {
    expect(readArguments(words).names).toEqual(names);
  });
});

test('a text of --only that is in no name of a row is told with the names there are', () => {
  const { options } = readArguments(['--only', 'consume', '--only', 'eat']);
  expect(wants(options, 'consume 1 KiB')).toBe(true);
  expect(wants(options, 'start-up')).toBe(false);
  expect(unmatched(options)).toEqual([
    "no row has 'eat' (--only) in its name; write a part of one of: consume 1 KiB; start-up",
  ]);
  expect(unmatched(readArguments([]).options)).toEqual([]);
});
