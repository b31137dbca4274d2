// What every command shares: its form, its options, how it ends.

import { Command, Option } from 'commander';
import { ExitCode } from './exit-codes.ts';

/** What only the first file of the process can tell (bin.cts). */
export interface ProcessStart {
  /** The words of the command line, without node and script. */
  readonly args: readonly string[];
  /** Ids of the threads that V8 works with beside the event loop; empty where the system does not tell. */
  readonly v8Threads: readonly number[];
}

/** One command of the program, in a file of its own, loaded only when it is typed. */
export interface CommandModule {
  /** The command with its options, help and action. */
  build(start: ProcessStart): Command;
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
}

/** Options of every command that talks to a broker. */
export interface BrokerOptions extends CommonOptions {
  readonly brokers?: string;
  readonly property?: readonly string[];
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
}

/** Adds a value to the list of a repeatable option. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** A command that only groups others. It has no options: commander would take them away from its verbs. */
export function nounCommand(name: string, summary: string, examples: readonly string[]): Command {
  const command = new Command(name)
    .summary(summary)
    .description(summary)
    .showHelpAfterError('(add --help for options and examples)')
    .showSuggestionAfterError(true)
    .configureHelp({ sortOptions: false, showGlobalOptions: false });
  if (examples.length > 0) {
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  }
  return command;
}

/** A command with `--json` and examples in its help. */
export function makeCommand(name: string, summary: string, examples: readonly string[]): Command {
  return nounCommand(name, summary, examples).option(
    '--json',
    'print data as JSON: one document, or one a line for streams',
  );
}

/** {@link makeCommand} with the options that reach a cluster. */
export function brokerCommand(name: string, summary: string, examples: readonly string[]): Command {
  return makeCommand(name, summary, examples)
    .addOption(
      new Option(
        '-b, --brokers <list>',
        'brokers, host:port with commas (TIDEMARK_BROKERS, KAFKA_BROKERS, BOOTSTRAP_SERVERS; default 127.0.0.1:9092)',
      ),
    )
    .addOption(
      new Option(
        '-X, --property <key=value>',
        'client property, e.g. request.timeout.ms=5000',
      ).argParser(collect),
    )
    .option('--tls', 'speak TLS to the brokers (TIDEMARK_TLS=true)')
    .option('--tls-ca <file>', 'authorities that brokers are checked by, PEM (TIDEMARK_TLS_CA)')
    .option('--tls-client-cert <file>', 'certificate to show, PEM (TIDEMARK_TLS_CLIENT_CERT)')
    .option('--tls-client-key <file>', 'its key, PEM (TIDEMARK_TLS_CLIENT_KEY)');
}

/** Options of verbs that destroy something. */
export function addGuards(command: Command): Command {
  return command
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only say what would happen');
}

const COMMON = 'Common options:';

/** Makes commander throw instead of ending the process, and lists a command's own options first. */
export function finishProgram(command: Command): Command {
  command.exitOverride();
  const options = command.options as Option[];
  options.sort((a, b) => Number(isCommon(a)) - Number(isCommon(b)));
  for (const option of options) if (isCommon(option)) option.helpGroup(COMMON);
  if (options.some(isCommon)) {
    // Else a command without options of its own shows --help in a group below the common ones.
    const help = new Option('-h, --help', 'display help for command').helpGroup(COMMON);
    command.addHelpOption(help);
  }
  for (const sub of command.commands) finishProgram(sub);
  return command;
}

const common: ReadonlySet<string> = new Set([
  ...['--json', '--brokers', '--property'],
  ...['--tls', '--tls-ca', '--tls-client-cert', '--tls-client-key'],
]);

function isCommon(option: Option): boolean {
  return common.has(option.long ?? '');
}

/** The exit code for commander's own endings: help and version are fine, the rest is usage. */
export function exitCodeOfCommander(error: { readonly exitCode: number }): number {
  return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
}
