// The command line of `npm run bench`: its usage, and what is wrong with what was written, before anything starts.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { textOfError } from '../src/base/errors.ts';
import { otherKinds } from './load/systems.ts';
import {
  type GivenPeer,
  installables,
  knownPeers,
  ourSystems,
  PORT,
  peerSystems,
  programFault,
  readGiven,
} from './peers/index.ts';
import { readReport, reportCommands } from './report/commands.ts';
import { DISK } from './report/result.ts';
import type { Suite, SuiteOptions } from './suite.ts';
import { suites, unaskedSuites } from './suites.ts';

const signsOf = (unasked: Suite['unasked']): string =>
  (unasked.includes('alone') ? '*' : ' ') +
  (unasked.includes('beside') ? '+' : ' ') +
  (unasked.includes('others') ? 'o' : ' ');

const EXAMPLE_PEER =
  '--peer "redpanda=/opt/redpanda/bin/redpanda start --kafka-addr 127.0.0.1:{port} --data {data}"';

export const usage = `npm run bench -- [suites] [options]

Suites; when none is named, those with a star run, beside peers that speak Kafka's protocol those with a plus instead,
and beside nats and redis the one with an o too:
${Object.entries(suites)
  .map(([name, { about, unasked }]) => `  ${name.padEnd(11)} ${signsOf(unasked)} ${about}`)
  .join('\n')}

Results:
  compare A B   what got worse from result A to result B beyond noise; exit code 1 when something of ours did
  readme FILE…  writes bench/RESULTS.md and the tables of README.md, of one result or of several suites' results
  html FILE     writes the report of a result again, beside it

Peers:
  install [PEER…]  installs what is missing, by apt-get (as root, or by sudo) and scripts; exit code 1 when something
                   cannot be had. None named: all of ${Object.keys(installables).join(', ')}

Options:
  --quick          a tenth of the work or less, one round: that it works, not how fast it is
  --peers LIST     systems beside ours, with commas: kafka (and with it kafka-sync, which has flush.messages=1),
                   kafka-sync, ${[...Object.keys(knownPeers), ...otherKinds].join(', ')}
  --peer NAME=COMMAND
                   a broker that speaks Kafka's protocol, started by a command in which {port} is where it has to
                   listen and {data} a new folder; quotes are as in a shell. It is then among the peers. Processor
                   time and memory are those of the process that listens. Given several times, several:
                   ${EXAMPLE_PEER}
${Object.keys(knownPeers)
  .map((name) => `  ${`--${name} PATH`.padEnd(16)} ${name}'s binary, with a command that we know`)
  .join('\n')}
  --rounds N       how often each row is measured, from 1 on
  --only TEXT      only rows whose name holds the text; given several times, one of the texts
  --profile        profiles all rows of the brokers afterwards, not only those with goals that are not reached; of our
                   client's rows always those
  --foreign CORES  throw a measurement out when others kept more cores busy; default 0.35
  --out FILE       where the JSON goes; default bench/results/<date>.json, with --quick a temporary folder
`;

/** What was written cannot be done: one line that says why, and what to write. */
export class UsageError extends Error {}

export interface CommandLine {
  readonly help: boolean;
  /** Suites, or a command on results with its arguments. */
  readonly names: readonly string[];
  readonly options: SuiteOptions;
  readonly out: string | undefined;
}

/** How each option is written. */
const EXAMPLES: Readonly<Record<string, string>> = {
  '--peers': '--peers kafka,nats',
  '--peer': EXAMPLE_PEER,
  ...Object.fromEntries(Object.keys(knownPeers).map((name) => [`--${name}`, `--${name} PATH`])),
  '--rounds': '--rounds 3',
  '--only': '--only "consume 1 KiB"',
  '--foreign': '--foreign 0.35',
  '--out': '--out FILE',
};

const OTHERS = peerSystems().map(({ name }) => name);
const known = (given: readonly GivenPeer[]): string[] => [
  ...new Set([
    ...OTHERS,
    ...Object.keys(knownPeers),
    ...otherKinds,
    ...given.map(({ name }) => name),
  ]),
];

/** Reads the words behind `npm run bench --`. Throws UsageError. */
export function readArguments(words: readonly string[]): CommandLine {
  const { values, positionals } = parsed(words);
  const help = values.help;
  const given = givenOf(values.peer, values);
  const peers = peersOf(values.peers, given);
  const quick = values.quick;
  const names = positionals.length > 0 ? positionals : unaskedSuites({ quick, peers });
  const line: CommandLine = {
    help,
    names,
    options: {
      quick,
      peers,
      given,
      rounds: values.rounds === undefined ? undefined : roundsOf(values.rounds),
      only: values.only,
      profile: values.profile,
      foreignCoresMax: coresOf(values.foreign),
      offered: new Set(),
    },
    out: values.out,
  };
  if (line.out !== undefined && isThere(line.out) === 'folder') {
    throw new UsageError(`--out ${line.out} is a folder: write ${EXAMPLES['--out']}`);
  }
  if (!help) checkNames(names);
  if (positionals.includes('others') && !peers.some((name) => otherKinds.includes(name))) {
    throw new UsageError(`the suite others has peers only: write --peers ${otherKinds.join()}`);
  }
  return line;
}

/** One for each of {@link knownPeers}; they are read by their names. */
const binaryOptions: object = Object.fromEntries(
  Object.keys(knownPeers).map((name) => [name, { type: 'string' }]),
);

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        peers: { type: 'string' },
        peer: { type: 'string', multiple: true, default: [] },
        ...binaryOptions,
        rounds: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        profile: { type: 'boolean', default: false },
        foreign: { type: 'string', default: '0.35' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(optionFault(textOfError(error)));
  }
}

/** Node's own words have several lines for some of these. */
function optionFault(message: string): string {
  const unknown = /^Unknown option '(.*?)'/.exec(message)?.[1];
  if (unknown !== undefined) {
    return `there is no option ${unknown}: npm run bench -- --help shows what there is`;
  }
  const name = /--\w+/.exec(message)?.[0] ?? '';
  const example = EXAMPLES[name];
  if (example === undefined) return `${name} takes no value: write ${name}`;
  return `${name} takes a value: write ${example}`;
}

function peersOf(list: string | undefined, given: readonly GivenPeer[]): string[] {
  const written = (list ?? '').split(',').map((name) => name.trim());
  const peers = new Set(written.filter((name) => name !== ''));
  const names = known(given);
  if (list !== undefined && peers.size === 0) {
    throw new UsageError(`--peers names nobody: write some of ${names.join(', ')}`);
  }
  const unknown = [...peers].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no peer ${unknown} is known: write some of ${names.join(', ')}`);
  }
  for (const { name } of given) peers.add(name);
  for (const name of Object.keys(knownPeers)) {
    if (peers.has(name) && !given.some((one) => one.name === name)) {
      throw new UsageError(`${name} needs its binary: write --${name} PATH`);
    }
  }
  return [...peers];
}

/** How a peer may be called: as it is written behind `--peers`, and in results. */
const NAME = /^[A-Za-z][\w.-]*$/;

/** Names that stand for something else in results: of ours, of peers that we start ourselves, of clients and tools. */
function isTaken(name: string): boolean {
  const others = [...OTHERS, ...otherKinds, ...otherKinds.map((kind) => `${kind}-sync`)];
  const inResults = [DISK, 'micro', 'bare-socket', 'kafka-console', 'kcat', 'kcat-json'];
  const ours = ourSystems().some((one) => one.name === name);
  return ours || [...others, ...inResults].includes(name);
}

/** `values`: of all options, among them the paths of {@link knownPeers}. */
function givenOf(texts: readonly string[], values: Readonly<Record<string, unknown>>): GivenPeer[] {
  const given: GivenPeer[] = [];
  for (const [name, commandOf] of Object.entries(knownPeers)) {
    const binary = values[name];
    if (typeof binary !== 'string') continue;
    const fault = programFault(resolve(binary));
    if (fault !== undefined) {
      throw new UsageError(`--${name}: ${fault}: write the path of ${name}'s binary`);
    }
    given.push(commandOf(resolve(binary)));
  }
  for (const text of texts) {
    const peer = readGiven(text);
    if (peer === undefined || !NAME.test(peer.name)) {
      throw new UsageError(`--peer ${text} is no NAME=COMMAND: write ${EXAMPLE_PEER}`);
    }
    const { name, words } = peer;
    if (isTaken(name) || given.some((one) => one.name === name)) {
      throw new UsageError(`--peer ${name}: the name is taken: write another`);
    }
    if (!words.some((word) => word.includes(PORT))) {
      throw new UsageError(`--peer ${name} has no ${PORT} in its command: write ${EXAMPLE_PEER}`);
    }
    const fault = programFault(words[0] ?? '');
    if (fault !== undefined) {
      throw new UsageError(`--peer ${name}: ${fault}: write the path of its binary`);
    }
    given.push(peer);
  }
  return given;
}

function roundsOf(text: string): number {
  const rounds = Number(text);
  if (/^\d+$/.test(text) && rounds >= 1 && Number.isSafeInteger(rounds)) return rounds;
  throw new UsageError(
    `--rounds ${text} is no whole number from 1 on: write ${EXAMPLES['--rounds']}`,
  );
}

function coresOf(text: string): number {
  const cores = Number(text);
  if (cores > 0 && Number.isFinite(cores)) return cores;
  throw new UsageError(`--foreign ${text} is no number above 0: write ${EXAMPLES['--foreign']}`);
}

function checkNames(names: readonly string[]): void {
  const [command = '', ...files] = names;
  const given = Object.hasOwn(reportCommands, command) ? reportCommands[command] : undefined;
  if (given !== undefined) {
    const enough = given.more ? files.length >= given.count : files.length === given.count;
    if (!enough) {
      const takes = `${given.more ? 'at least ' : ''}${given.count}`;
      const write = `npm run bench -- ${given.write}`;
      throw new UsageError(
        `${command} takes results: ${takes}, not ${files.length}; write ${write}`,
      );
    }
    for (const file of files) checkResult(file);
    return;
  }
  if (command === 'install') {
    const stranger = files.find((name) => !Object.hasOwn(installables, name));
    if (stranger === undefined) return;
    const all = Object.keys(installables).join(', ');
    throw new UsageError(`nothing installs ${stranger}: write some of ${all}`);
  }
  const unknown = names.find((name) => !Object.hasOwn(suites, name));
  if (unknown === undefined) return;
  const there = [...Object.keys(suites), ...Object.keys(reportCommands), 'install'].join(', ');
  throw new UsageError(`there is no suite ${unknown}: write some of ${there}`);
}

function checkResult(file: string): void {
  const there = isThere(file);
  if (there !== 'file') {
    const why = there === 'folder' ? `${file} is a folder` : `there is no ${file}`;
    throw new UsageError(`${why}: write the path of a JSON file that npm run bench has written`);
  }
  try {
    readReport(resolve(file));
  } catch (error) {
    throw new UsageError(`${file} is no result of npm run bench: ${textOfError(error)}`);
  }
}

function isThere(path: string): 'file' | 'folder' | 'nothing' {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'nothing';
  return found.isDirectory() ? 'folder' : 'file';
}

/**
 * One line for each text of `--only` that is in no name of the rows which the suites asked for: known once they have
 * run, since they start nothing for rows that nobody wants.
 */
export function unmatched({ only, offered = new Set() }: SuiteOptions): string[] {
  const there = [...offered].join('; ');
  return only
    .filter((text) => ![...offered].some((row) => row.includes(text)))
    .map((text) => `no row has '${text}' (--only) in its name; write a part of one of: ${there}`);
}
