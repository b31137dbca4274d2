// Exit codes, the same for every command, and how a failure finds its own.

import { isTidemarkError, TidemarkError } from '../base/errors.ts';
import { KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';

export const ExitCode = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  cannotConnect: 4,
  refused: 5,
  interrupted: 130,
} as const;

/** What each code means, in the words of `--help` and docs/tools.md. */
export const exitCodeTable: readonly (readonly [code: number, meaning: string])[] = [
  [ExitCode.ok, 'done'],
  [
    ExitCode.error,
    'it failed, or a check (verify, doctor, archive verify, replay compare --equal, torture, dump) found faults',
  ],
  [ExitCode.usage, 'the command was typed wrongly: nothing was done'],
  [ExitCode.notFound, 'a topic, group, job, file or config that was named does not exist'],
  [ExitCode.cannotConnect, 'no broker could be reached, or none answered in time'],
  [ExitCode.refused, 'refused: no permission, or somebody still uses it (a group with members)'],
  [
    ExitCode.interrupted,
    'ended by Ctrl-C, SIGTERM or replay cancel; what was printed or acknowledged stands',
  ],
];

/** A failure that the command line words itself: what is wrong, and what to type next. */
export class CliError extends TidemarkError<'cli_error'> {
  readonly exitCode: number;
  readonly nextStep: string | null;

  constructor(
    exitCode: number,
    message: string,
    nextStep: string | null = null,
    options?: ErrorOptions,
  ) {
    super('cli_error', message, options);
    this.exitCode = exitCode;
    this.nextStep = nextStep;
  }
}

/** A command that was typed wrongly. */
export function usageError(message: string, nextStep: string | null = null): CliError {
  return new CliError(ExitCode.usage, message, nextStep);
}

const notFound: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'GROUP_ID_NOT_FOUND',
  'RESOURCE_NOT_FOUND',
  'TRANSACTIONAL_ID_NOT_FOUND',
]);
const unreachable: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'BROKER_NOT_AVAILABLE',
  'LEADER_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE',
]);

/** The broker will not, as long as somebody uses it, or by its policy. */
const inUse: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'NON_EMPTY_GROUP',
  'GROUP_SUBSCRIBED_TO_TOPIC',
  'POLICY_VIOLATION',
]);

function ofKafkaError(code: KafkaErrorName): number {
  if (notFound.has(code)) return ExitCode.notFound;
  if (unreachable.has(code)) return ExitCode.cannotConnect;
  if (inUse.has(code)) return ExitCode.refused;
  const refused =
    code.endsWith('_AUTHORIZATION_FAILED') || code.includes('SASL') || code === 'SECURITY_DISABLED';
  return refused ? ExitCode.refused : ExitCode.error;
}

const byCode: Readonly<Record<string, number>> = {
  cannot_connect: ExitCode.cannotConnect,
  connection_lost: ExitCode.cannotConnect,
  request_timed_out: ExitCode.cannotConnect,
  delivery_timed_out: ExitCode.cannotConnect,
  invalid_address: ExitCode.usage,
  invalid_option: ExitCode.usage,
  invalid_offset_spec: ExitCode.usage,
  invalid_duration: ExitCode.usage,
  invalid_byte_size: ExitCode.usage,
  invalid_filter: ExitCode.usage,
  invalid_replay: ExitCode.usage,
  range_outside_log: ExitCode.usage,
  invalid_archive_request: ExitCode.usage,
  unknown_job: ExitCode.notFound,
  unknown_group: ExitCode.notFound,
};

/** What may only mean that a file was named that there is not. */
const files: ReadonlySet<string> = new Set(['archive_unusable', 'replay_module_failed']);

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof KafkaError) return ofKafkaError(error.code);
  if (error instanceof Error && error.name === 'AbortError') return ExitCode.interrupted;
  if (!isTidemarkError(error)) return ExitCode.error;
  if (files.has(error.code) && isMissing(error.cause)) return ExitCode.notFound;
  return byCode[error.code] ?? ExitCode.error;
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

const unreached: ReadonlySet<string> = new Set(['cannot_connect', 'connection_lost']);

const steps: Readonly<Record<string, string>> = {
  cannot_connect:
    'start a broker with "tidemark serve", or name one with --brokers host:port or TIDEMARK_BROKERS',
  unknown_group:
    '"tidemark group list" shows groups, "tidemark group describe ID" their offsets; without -o it is everything',
  connection_lost:
    'look at the log of the broker (perhaps it wants --tls); "tidemark doctor" checks the way to it',
  tls_wanted:
    'if it is a broker with TLS, add --tls, and --tls-ca FILE for an authority of your own; its log says more',
  tls_unknown: 'leave --tls (and TIDEMARK_TLS) out, or name the port that speaks TLS',
  tls: 'look at --tls-ca, --tls-client-cert and --tls-client-key; the log of the broker says why it refused',
  request_timed_out: 'try again, perhaps with -X request.timeout.ms=60000; is the broker busy?',
  delivery_timed_out: 'the broker may be down or refuse for now: its log says why',
  unsupported_api: 'this broker is too old or does not offer the request',
  UNKNOWN_TOPIC_OR_PARTITION:
    '"tidemark topic list" shows what there is; "tidemark topic create NAME" makes one',
  TOPIC_ALREADY_EXISTS: 'describe it with "tidemark topic describe NAME", or pick another name',
  INVALID_REPLICATION_FACTOR:
    'leave --replication-factor out, or start the broker with --accept-replication-factor',
  INVALID_TOPIC_EXCEPTION:
    'a name has 1 to 249 of the characters a-z A-Z 0-9 . _ - and is not "." or ".."',
  INVALID_PARTITIONS: 'ask for a number above the present one; partitions are never taken away',
  OFFSET_OUT_OF_RANGE: '"tidemark topic describe NAME" shows the offsets that exist',
  GROUP_ID_NOT_FOUND: '"tidemark group list" shows the groups that there are',
  MESSAGE_TOO_LARGE: 'send smaller records, or raise max.message.bytes of the topic',
  UNSUPPORTED_COMPRESSION_TYPE: 'choose another codec with -z: none, gzip, snappy, lz4, zstd',
  KAFKA_STORAGE_ERROR: 'the disk refused: see the log of the broker, and run "tidemark doctor"',
  data_directory_unusable: 'choose another directory with --data, or --memory to keep nothing',
  listen_failed: 'choose a free port with --port, or --port 0 for any',
  INVALID_CONFIG:
    '"tidemark config show --all --docs" lists names and meanings: of a broker, with --topic or --group of these',
};

/** What the client's words about TLS come to on the command line; null: it is about something else. */
function tlsStep(error: TidemarkError): string | null {
  const text = messageOf(error);
  if (text.includes('(tls: true)')) return 'tls_wanted';
  if (text.includes('connect without TLS')) return 'tls_unknown';
  return unreached.has(error.code) && /\b(TLS|certificate)\b/.test(text) ? 'tls' : null;
}

/** What to do about a failure, when there is something to say. */
export function nextStepOf(error: unknown): string | null {
  if (error instanceof CliError) return error.nextStep;
  if (!isTidemarkError(error)) return null;
  return steps[tlsStep(error) ?? error.code] ?? null;
}

/** OpenSSL's errors have their reason in the midst of addresses and file names. */
function whyOf(cause: Error & { readonly code?: unknown; readonly reason?: unknown }): string {
  const ssl = String(cause.code).startsWith('ERR_SSL_') && typeof cause.reason === 'string';
  return ssl ? `TLS: ${String(cause.reason)}` : cause.message;
}

/** The error as one of the command line, with what to type once its cause is mended. */
export function withNextStep(error: unknown, step: string): unknown {
  if (!(error instanceof Error)) return error;
  const { cause } = error;
  const code = exitCodeOf(isTidemarkError(cause) ? cause : error);
  return new CliError(code, error.message, step, { cause: error });
}

/** Words for people: the message, the Kafka code when there is one, and causes that add something. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let text = error.message;
  if (error instanceof KafkaError && !text.includes(error.code)) text = `${error.code}: ${text}`;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    const why = whyOf(cause);
    if (why !== '' && !text.includes(why)) text += `: ${why}`;
  }
  return text;
}
