// The command line of `npm run bench`: its usage, and what is wrong with what was written, before anything starts.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from './load/quietly.ts';
import { otherKinds } from './load/systems.ts';
import { peerSystems } from './peers/index.ts';
import { readReport, reportCommands } from './report/commands.ts';
import type { Suite, SuiteOptions } from './suite.ts';
import { suites, unaskedSuites } from './suites.ts';

const signsOf = (unasked: Suite['unasked']): string =>
  (unasked.includes('alone') ? '*' : ' ') +
  (unasked.includes('beside') ? '+' : ' ') +
  (unasked.includes('others') ? 'o' : ' ');

export const usage = `npm run bench -- [suites] [options]

Suites; when none is named, those with a star run, beside peers that speak Kafka's protocol those with a plus instead,
and beside nats and redis the one with an o too:
${Object.entries(suites)
  .map(([name, { about, unasked }]) => `  ${name.padEnd(11)} ${signsOf(unasked)} ${about}`)
  .join('\n')}

Results:
  compare A B   what got worse from result A to result B beyond noise; exit code 1 when something of ours did
  readme FILE…  puts the tables of one result, or of several suites' results, into README.md
  html FILE     writes the report of a result again, beside it

Options:
  --quick          a tenth of the work or less, one round: that it works, not how fast it is
  --peers LIST     systems beside ours, with commas: kafka (and with it kafka-sync, which has flush.messages=1),
                   kafka-sync, klite, nats, redis
  --klite PATH     klite's binary; klite is then among the peers, named there or not
  --rounds N       how often each row is measured, from 1 on
  --only TEXT      only rows whose name holds the text; given several times, one of the texts
  --profile        profiles all rows of the brokers afterwards, not only those with goals that are not reached
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
  '--klite': '--klite PATH',
  '--rounds': '--rounds 3',
  '--only': '--only "consume 1 KiB"',
  '--foreign': '--foreign 0.35',
  '--out': '--out FILE',
};

const known = (): string[] => [...peerSystems({}).map(({ name }) => name), ...otherKinds];

/** Reads the words behind `npm run bench --`. Throws UsageError. */
export function readArguments(words: readonly string[]): CommandLine {
  const { values, positionals } = parsed(words);
  const help = values.help;
  const peers = peersOf(values.peers, values.klite);
  const quick = values.quick;
  const names = positionals.length > 0 ? positionals : unaskedSuites({ quick, peers });
  const line: CommandLine = {
    help,
    names,
    options: {
      quick,
      peers,
      binaries: { klite: values.klite },
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

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        peers: { type: 'string' },
        klite: { type: 'string' },
        rounds: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        profile: { type: 'boolean', default: false },
        foreign: { type: 'string', default: '0.35' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(optionFault(messageOf(error)));
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

function peersOf(list: string | undefined, klite: string | undefined): string[] {
  const written = (list ?? '').split(',').map((name) => name.trim());
  const peers = new Set(written.filter((name) => name !== ''));
  if (list !== undefined && peers.size === 0) {
    throw new UsageError(`--peers names nobody: write some of ${known().join(', ')}`);
  }
  const unknown = [...peers].find((name) => !known().includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no peer ${unknown} is known: write some of ${known().join(', ')}`);
  }
  if (klite === undefined) {
    if (peers.has('klite')) throw new UsageError('klite needs its binary: write --klite PATH');
    return [...peers];
  }
  if (isThere(klite) !== 'file') {
    throw new UsageError(`--klite ${klite} is no file: write the path of klite's binary`);
  }
  return [...peers.add('klite')];
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
  const unknown = names.find((name) => !Object.hasOwn(suites, name));
  if (unknown === undefined) return;
  const there = [...Object.keys(suites), ...Object.keys(reportCommands)].join(', ');
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
    throw new UsageError(`${file} is no result of npm run bench: ${messageOf(error)}`);
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
