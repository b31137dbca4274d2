// tidemark serve: a broker in this process, until it is told to stop.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { brokerConfigs } from '../../base/configs/broker-configs.ts';
import type { Logger } from '../../base/ports.ts';
import { formatAddress } from '../../compose/addresses.ts';
import type { BrokerOptions as OpenOptions } from '../../compose/broker-options.ts';
import type { ServingBroker } from '../../compose/serve-alone.ts';
import { meantTest } from '../config/meant.ts';
import { parseConfigFile } from '../config/properties.ts';
import { type ConfigEffect, type ServeSettings, serveSettings } from '../config/settings.ts';
import { mergeSources, type Setting } from '../config/sources.ts';
import { configPairs } from '../config-pairs.ts';
import { CliError, ExitCode, usageError } from '../exit-codes.ts';
import { paint, processIo } from '../io.ts';
import { type CommandModule, collect, makeCommand, type ProcessStart } from '../program.ts';
import { WITH_PARENT, whenParentGone } from '../stop-signal.ts';
import { readPem } from '../tls-files.ts';
import { VERSION } from '../version.ts';

interface ServeFlags {
  readonly withParent?: boolean;
  readonly json?: boolean;
  readonly data?: string;
  readonly memory?: boolean;
  readonly adopt?: boolean;
  readonly host?: string;
  readonly port?: string;
  readonly advertise?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly flush?: string;
  readonly acceptReplicationFactor?: boolean;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly logLevel?: string;
  readonly metricsPort?: string;
}

const details = `
Settings, strongest first: these options; TIDEMARK_* (TIDEMARK_DATA, TIDEMARK_PORT, TIDEMARK_LOG_RETENTION_MS …);
KAFKA_* as Kafka's images read them (KAFKA_LOG_RETENTION_MS is log.retention.ms, __ is _, ___ is -);
the file of --config (.properties or JSON); defaults. "tidemark config show --all --origin" shows the result.`;

function build({ v8Threads }: ProcessStart): Command {
  return makeCommand('serve', 'run a broker', [
    'tidemark serve                                     127.0.0.1:9092, data in ./tidemark-data',
    'tidemark serve --data /var/lib/tidemark --host 0.0.0.0 --advertise broker.example:9092',
    'tidemark serve --memory --port 0 --json            for tests: prints its address, forgets all',
    'tidemark serve --config server.properties --set log.retention.ms=7d',
  ])
    .alias('start')
    .option('-d, --data <directory>', 'where the data is kept (default: ./tidemark-data)')
    .addOption(
      new Option('--memory', 'keep everything in memory and forget it at the end').conflicts(
        'data',
      ),
    )
    .option('--adopt', "take over a (copied) data directory of Apache Kafka's")
    .option('--host <address>', 'address to listen on (default: 127.0.0.1 and ::1)')
    .option('-p, --port <number>', 'port to listen on; 0 takes any free one (default: 9092)')
    .option(
      '--advertise <host:port>',
      'address told to clients (default: the one each connected to)',
    )
    .option('--tls-cert <file>', 'speak TLS, with this certificate (PEM, with its chain)')
    .option('--tls-key <file>', 'key of --tls-cert (PEM)')
    .option('--tls-client-ca <file>', 'let in only clients with a certificate of these authorities')
    .addOption(
      new Option(
        '--flush <policy>',
        'sync: acknowledged is on disk; os: in the page cache, as Kafka',
      ).choices(['sync', 'os']),
    )
    .option('--accept-replication-factor', 'accept factors above 1; there is one copy all the same')
    .option('-c, --config <file>', 'settings from a .properties or JSON file (TIDEMARK_CONFIG)')
    .option('-s, --set <key=value>', 'set a broker config, repeatable', collect)
    .option('--metrics-port <number>', 'serve /metrics and /healthz over HTTP on this port')
    .addOption(new Option(WITH_PARENT).hideHelp())
    .addOption(
      new Option('--log-level <level>', 'what is logged on standard error').choices([
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .addHelpText('after', details)
    .action((flags: ServeFlags) => serve(flags, v8Threads));
}

/** The verb `serve`. */
export const serveCommand: CommandModule = { build };

async function serve(flags: ServeFlags, v8Threads: readonly number[]): Promise<void> {
  const io = processIo();
  // While the broker opens, a stop request waits for it, so that nothing is left half open.
  const stop = stopRequests();
  if (flags.withParent === true) whenParentGone(() => stop.ask('the end of its parent'));
  const settings = settingsOf(flags);
  const [{ consoleLogger }, { serveAlone }, { settleInOwnProcess }] = await Promise.all([
    import('../../host/console-logger.ts'),
    import('../../compose/serve-alone.ts'),
    import('../../host/own-process.ts'),
  ]);
  settleInOwnProcess(v8Threads);
  const logger = consoleLogger({ level: settings.logLevel });
  tellOddSettings(settings, logger);
  const broker = await serveAlone({
    ...openOptions(settings, logger),
    adopt: flags.adopt === true,
  }).catch((error: unknown) => {
    throw withAdvice(error);
  });
  if (flags.json === true) await io.data(`${JSON.stringify(describeRunning(broker, settings))}\n`);
  else for (const line of banner(broker, settings)) io.say(line);
  const reason = await stop.asked;
  logger.info({ signal: reason }, 'stopping');
  await broker.close();
  stop.off();
}

function effectOf(name: string): ConfigEffect {
  return brokerConfigs.find(name)?.effect ?? 'unknown';
}

function settingsOf(flags: ServeFlags): ServeSettings {
  const values = new Map<string, Omit<Setting, 'origin'>>();
  const flag = (name: string, value: string | boolean | undefined, writtenAs: string): void => {
    if (value !== undefined) values.set(name, { value: String(value), writtenAs });
  };
  for (const { name, operation, value } of configPairs(flags.set ?? [], '--set')) {
    if (operation !== 'set') throw usageError(`--set ${name}: write key=value`);
    flag(name, value, `--set ${name}`);
  }
  flag('data', flags.data, '--data');
  flag('memory', flags.memory, '--memory');
  flag('host', flags.host, '--host');
  flag('port', flags.port, '--port');
  flag('advertise', flags.advertise, '--advertise');
  flag('tls.cert', flags.tlsCert, '--tls-cert');
  flag('tls.key', flags.tlsKey, '--tls-key');
  flag('tls.client.ca', flags.tlsClientCa, '--tls-client-ca');
  flag('flush', flags.flush, '--flush');
  flag('accept.replication.factor', flags.acceptReplicationFactor, '--accept-replication-factor');
  flag('log.level', flags.logLevel, '--log-level');
  flag('metrics.port', flags.metricsPort, '--metrics-port');
  const path = flags.config ?? process.env['TIDEMARK_CONFIG'];
  const file = path === undefined || path === '' ? null : { path, values: readConfigFile(path) };
  const merged = mergeSources({ flags: values, env: process.env, file });
  const known = Array.from(brokerConfigs.all(), ({ name }) => name);
  return serveSettings(merged, effectOf, meantTest(known));
}

function readConfigFile(path: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing ? `there is no file ${path}` : `${path} cannot be read`;
    throw new CliError(ExitCode.notFound, message, 'look at --config or TIDEMARK_CONFIG', {
      cause,
    });
  }
  return parseConfigFile(text, path);
}

function openOptions(settings: ServeSettings, logger: Logger): OpenOptions {
  const { host, port, advertise, tls, flush, acceptReplicationFactor, metricsPort } = settings;
  const configs: Record<string, string> = {};
  for (const [name, { value }] of settings.configs) configs[name] = value;
  return {
    ...(settings.dataDirectory === null
      ? { memory: true }
      : { dataDir: resolve(settings.dataDirectory) }),
    ...(host === null ? {} : { host }),
    ...(advertise === null ? {} : { advertise }),
    ...(tls === null ? {} : { tls: readTls(tls) }),
    ...(metricsPort === null ? {} : { metricsPort }),
    port,
    flush,
    acceptReplicationFactor,
    configs,
    logger,
  };
}

function readTls(files: NonNullable<ServeSettings['tls']>): NonNullable<OpenOptions['tls']> {
  const { cert, key, clientCa } = files;
  const shown = { cert: readPem(cert, 'tls.cert'), key: readPem(key, 'tls.key') };
  return clientCa === null ? shown : { ...shown, clientCa: readPem(clientCa, 'tls.client.ca') };
}

/** Unknown names are told once each, names without meaning here in one line. */
function tellOddSettings(settings: ServeSettings, logger: Logger): void {
  for (const { writtenAs } of settings.unknown) {
    logger.warn({ setting: writtenAs }, 'unknown setting, left out');
  }
  if (settings.ignored.length === 0) return;
  const names = settings.ignored.map((setting) => setting.writtenAs);
  logger.info({ settings: names }, 'settings that have no effect here, ignored');
}

/** Adds what to type next to failures that have an answer here. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  if (code === 'listen_failed') {
    const { cause } = error as { cause?: { code?: unknown } };
    const step =
      cause?.code === 'EADDRINUSE'
        ? 'another broker may be running: see "tidemark doctor"; --port 0 takes any free port'
        : 'choose another --host or --port';
    return new CliError(ExitCode.error, error.message, step, { cause: error });
  }
  return error;
}

function describeRunning(broker: ServingBroker, settings: ServeSettings): object {
  const [address] = broker.addresses;
  return {
    bootstrap: broker.bootstrap,
    host: address?.host ?? '',
    port: address?.port ?? 0,
    pid: process.pid,
    dataDir: settings.dataDirectory === null ? null : resolve(settings.dataDirectory),
    clusterId: broker.clusterId,
    nodeId: broker.nodeId,
    version: VERSION,
    ...(broker.metricsAddress === null ? {} : { metricsPort: broker.metricsAddress.port }),
  };
}

function banner(broker: ServingBroker, settings: ServeSettings): string[] {
  const { bootstrap } = broker;
  const directory = settings.dataDirectory;
  const kept = settings.dataDirectoryIsDefault ? ' (the default; --data moves it)' : '';
  const data =
    directory === null ? 'memory only: gone when this stops' : `${resolve(directory)}${kept}`;
  const policy =
    settings.flush === 'sync'
      ? 'an acknowledged record is on disk'
      : 'an acknowledged record is in the page cache (--flush os)';
  const { tls } = settings;
  const { metricsAddress: metrics } = broker;
  const own = tls?.clientCa ? ' --tls-client-cert CERT --tls-client-key KEY' : '';
  const who = tls?.clientCa ? 'has a certificate' : 'reaches it';
  const way = tls === null ? '' : 'by TLS  ';
  const secure = tls === null ? '' : ` --tls-ca CA${own}`;
  const at = (bootstrap === '127.0.0.1:9092' ? '' : ` -b ${bootstrap}`) + secure;
  const { advertise } = settings;
  const told = advertise ?? 'the address they connect to';
  // `npm start` and `npx` leave no `tidemark` on the path.
  const command = process.env['npm_config_user_agent'] === undefined ? 'tidemark' : 'npx tidemark';
  const open = broker.addresses.filter(({ host }) => !isLoopback(host)).map(({ host }) => host);
  const label = (text: string): string => paint('dim', text.padEnd(11), 'words');
  return [
    `${paint('bold', `Tidemark ${VERSION}`, 'words')} speaks the Apache Kafka® protocol`,
    `  ${label('address')}${paint('cyan', bootstrap, 'words')}  ${way}(clients are told ${told})`,
    ...(open.length === 0
      ? []
      : [`  ${label('open to')}${open.join(', ')}: whoever ${who} reads and writes, unasked`]),
    `  ${label('data')}${data}`,
    ...(directory === null ? [] : [`  ${label('durability')}${policy}`]),
    `  ${label('cluster')}${broker.clusterId}, node ${broker.nodeId}`,
    ...(metrics === null
      ? []
      : [`  ${label('metrics')}http://${formatAddress(metrics)}/metrics, and /healthz`]),
    '',
    'Next, in another terminal:',
    `  ${command} topic create hello${at}`,
    `  echo "first record" | ${command} produce hello${at}`,
    `  ${command} consume hello${at}`,
    '',
    'Stop with Ctrl-C.',
  ];
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}

interface StopRequests {
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<string>;
  /** Asks as a signal does. */
  ask(why: string): void;
  off(): void;
}

/** SIGTERM and SIGINT stop in order; a second one ends the process with 130 at once. */
function stopRequests(): StopRequests {
  let resolveAsked: (signal: string) => void = () => {};
  const asked = new Promise<string>((done) => {
    resolveAsked = done;
  });
  let count = 0;
  const onSignal = (signal: string): void => {
    count += 1;
    if (count > 1) process.exit(ExitCode.interrupted);
    resolveAsked(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    asked,
    ask: onSignal,
    off() {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
}
