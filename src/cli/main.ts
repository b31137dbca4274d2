// The program: finds the command that was typed, loads only that one, runs it, and turns every failure into words, a
// next step and an exit code.

import { Command, CommanderError } from 'commander';
import { isTidemarkError } from '../base/errors.ts';
import { commandIndex, loadCommand } from './command-index.ts';
import { CliError, exitCodeOf, exitCodeTable, messageOf, nextStepOf } from './exit-codes.ts';
import { paint, processIo } from './io.ts';
import { exitCodeOfCommander, finishProgram, type ProcessStart } from './program.ts';
import { VERSION } from './version.ts';

/** Runs the command that was typed and ends the process. */
export async function main(start: ProcessStart): Promise<void> {
  const { args } = start;
  const io = processIo();
  // The client's timers do not keep the process alive; a command that waits for one must not just end.
  const alive = setInterval(() => {}, 60_000);
  try {
    const words = helpWords(args);
    const program = printThrough(await buildProgram(words, start), (text) => io.data(text));
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...withoutVainHelp(program, words)], { from: 'user' });
  } catch (error) {
    const asJson = args.includes('--json') && !(error instanceof CommanderError);
    process.exitCode = asJson
      ? reportJson(error, (line) => io.say(line))
      : report(error, (line) => io.say(line));
  } finally {
    clearInterval(alive);
  }
}

/** Help and version go the way of other data: `--help | head` ends quietly. */
function printThrough(command: Command, print: (text: string) => Promise<void>): Command {
  command.configureOutput({ writeOut: (text) => void print(text) });
  for (const sub of command.commands) printThrough(sub, print);
  return command;
}

/** `help topic create` is `topic create --help`: commander's own goes one level down only. */
function helpWords(args: readonly string[]): readonly string[] {
  return args[0] === 'help' ? [...args.slice(1), '--help'] : args;
}

/**
 * The words, without `--help` when they name a command that does not exist. Commander would show the help one level
 * up and call it a success.
 */
function withoutVainHelp(program: Command, words: readonly string[]): readonly string[] {
  let command = program;
  for (const word of words) {
    if (command.commands.length === 0 || word.startsWith('-')) break;
    const next = command.commands.find((one) => [one.name(), ...one.aliases()].includes(word));
    if (next === undefined) return words.filter((one) => one !== '--help' && one !== '-h');
    command = next;
  }
  return words;
}

/** Says what went wrong; answers the exit code. */
function report(error: unknown, say: (line: string) => void): number {
  // Commander has written its own words already.
  if (error instanceof CommanderError) return exitCodeOfCommander(error);
  say(`${paint('red', 'error:', 'words')} ${messageOf(error)}`);
  const step = nextStepOf(error);
  if (step !== null) say(`  ${paint('dim', '→', 'words')} ${step}`);
  if (process.env['TIDEMARK_DEBUG'] && error instanceof Error) say(error.stack ?? '');
  return exitCodeOf(error);
}

/** The same for programs, under `--json`: one document on standard error. */
function reportJson(error: unknown, say: (line: string) => void): number {
  // What only has other words than its cause is told by the cause's code.
  const told = error instanceof CliError && isTidemarkError(error.cause) ? error.cause : error;
  const code = (told as { code?: unknown } | null)?.code;
  const exitCode = exitCodeOf(error);
  const message = messageOf(error);
  const nextStep = nextStepOf(error);
  say(JSON.stringify({ error: { code: code ?? null, message, nextStep, exitCode } }));
  return exitCode;
}

/** The program with the typed command in full and the others by name. All of them for shell completion. */
async function buildProgram(args: readonly string[], start: ProcessStart): Promise<Command> {
  const program = new Command('tidemark')
    .description('A durable, partitioned log that speaks the Apache Kafka® protocol.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show help of a command')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(tidemark --help lists the commands)')
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', firstSteps);
  const typed = args.find((word) => !word.startsWith('-'));
  const all = typed === 'completion' || typed === 'complete';
  for (const { name, alias, summary } of commandIndex) {
    const full = all || name === typed || alias === typed;
    program.addCommand(
      full ? await loadCommand(name, start) : new Command(name).description(summary),
    );
  }
  if (all) {
    const { addCompletion } = await import('./completion.ts');
    await addCompletion(program, args);
  }
  return finishProgram(program);
}

const firstSteps = `
First steps:
  tidemark serve                              start a broker on 127.0.0.1:9092
  tidemark topic create orders -p 3           make a topic
  echo hello | tidemark produce orders        write a record
  tidemark consume orders -o earliest -e      read what is there

Exit codes, of every command:
${exitCodeTable.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join('\n')}`;
