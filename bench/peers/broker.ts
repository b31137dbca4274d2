// Brokers as child processes: ours and Apache Kafka's behind one type, so that tests and benchmarks run on both.

import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { textOfError } from '../../src/base/errors.ts';
import { exitOf, freePort, spawnOwned, tailOf, waitUntil } from './child.ts';
import { Family } from './family.ts';
import { commandFor, type GivenPeer } from './given.ts';
import { javaArguments, projectRoot, runJava } from './jars.ts';
import { findProgram } from './programs.ts';
import { removeFolder, temporaryFolder } from './temporary.ts';

export type BrokerKind = 'tidemark' | 'kafka' | 'given';

/** Broker configs by Kafka's names, such as `log.segment.bytes`. */
export type BrokerConfig = Readonly<Record<string, string>>;

export interface StartOptions {
  readonly kind: BrokerKind;
  /** Where its data goes; kept on stop. Default: a new temporary folder, removed on stop. */
  readonly directory?: string;
  readonly config?: BrokerConfig;
  /** How one that is given by its command is started. */
  readonly given?: GivenPeer;
  /** Arguments of Node for ours, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Whether ours serves its metrics; the others have none that we read. */
  readonly metrics?: boolean;
  /** A fixed port, for a restart that clients must survive. Default: a free one. */
  readonly port?: number;
}

/** A broker that runs in a process of its own. */
export interface PeerBroker {
  readonly kind: BrokerKind;
  readonly bootstrap: string;
  readonly port: number;
  readonly pid: number;
  /** Where `GET /metrics` is answered; undefined where nothing answers it. */
  readonly metricsPort: number | undefined;
  /** The folder with `<topic>-<partition>` folders. */
  readonly logDirectory: string;
  /** Milliseconds from the start of the process until it said, or showed, that it was ready. */
  readonly readyMs: number;
  /** The end of what it wrote to standard error. */
  readonly errors: () => string;
  /** SIGTERM and wait. Throws if it does not end well. Removes a temporary folder. */
  readonly stop: () => Promise<void>;
  /** SIGTERM and wait; the data stays. */
  readonly stopKeepingData: () => Promise<void>;
  /** kill -9 and wait; the data stays. */
  readonly kill: () => Promise<void>;
}

const STOP_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 120_000;

/** Starts a broker and waits until it answers. */
export function startBroker(options: StartOptions): Promise<PeerBroker> {
  if (options.kind === 'kafka') return startKafka(options);
  return options.kind === 'given' ? startGiven(options) : startTidemark(options);
}

/** What the tests run against: TIDEMARK_TEST_TARGET=kafka proves them on Apache Kafka itself. */
export function testTarget(): BrokerKind {
  return process.env['TIDEMARK_TEST_TARGET'] === 'kafka' ? 'kafka' : 'tidemark';
}

/** The built command of this project, as package.json names it; `npm run build` makes it. */
export function tidemarkCommand(): string {
  const packaged = JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8'));
  return join(projectRoot(), packaged.bin.tidemark);
}

interface Placed {
  readonly directory: string;
  readonly temporary: boolean;
}

function place(options: StartOptions): Placed {
  if (options.directory !== undefined) {
    mkdirSync(options.directory, { recursive: true });
    return { directory: options.directory, temporary: false };
  }
  return { directory: temporaryFolder(`${options.given?.name ?? options.kind}-`), temporary: true };
}

async function startTidemark(options: StartOptions): Promise<PeerBroker> {
  if (!existsSync(tidemarkCommand())) throw new Error('not built: run `npm run build` first');
  const placed = place(options);
  const args = ['serve', '--port', String(options.port ?? 0), '--data', placed.directory, '--json'];
  if (options.metrics === true) args.push('--metrics-port', '0');
  const config = { 'group.initial.rebalance.delay.ms': '0', ...options.config };
  for (const [name, value] of Object.entries(config)) args.push('--set', `${name}=${value}`);
  const began = performance.now();
  const node = [...(options.nodeArguments ?? []), tidemarkCommand()];
  const child = spawnOwned(process.execPath, [...node, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutSettings(),
  });
  const errors = tailOf(child);
  const ended = exitOf(child);
  try {
    const line = await firstLine(child, errors);
    const readyMs = performance.now() - began;
    const said: unknown = JSON.parse(line);
    const bootstrap = fieldOf(said, 'bootstrap');
    const port = Number(bootstrap.slice(bootstrap.lastIndexOf(':') + 1));
    const metricsPort = Number(Object(said).metricsPort) || undefined;
    const known = { kind: 'tidemark', bootstrap, port, readyMs, metricsPort } as const;
    return brokerOf(known, { child, ended, errors, place: placed });
  } catch (cause) {
    child.kill('SIGKILL');
    await ended;
    throw new Error(`tidemark serve did not start: ${errors()}`, { cause });
  }
}

/** The environment without what our broker would take as its configuration. */
function withoutSettings(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(KAFKA|TIDEMARK)_/.test(name));
  return Object.fromEntries(kept);
}

function fieldOf(value: unknown, name: string): string {
  const found: unknown = Object(value)[name];
  if (typeof found !== 'string') throw new Error(`no ${name} in ${JSON.stringify(value)}`);
  return found;
}

function firstLine(child: ChildProcess, errors: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('said nothing')), START_TIMEOUT_MS);
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}: ${errors()}`));
    });
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end < 0) return;
      clearTimeout(timer);
      resolve(text.slice(0, end));
    });
  });
}

function propertiesOf(config: BrokerConfig): string {
  return Object.entries(config)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** As Kafka's own start script has them. */
const KAFKA_JVM: readonly string[] = [
  '-Xms1G',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
];

/** One node that is broker and controller, with the settings of Kafka's own server.properties. */
async function startKafka(options: StartOptions): Promise<PeerBroker> {
  const placed = place(options);
  const port = options.port ?? (await freePort());
  const controllerPort = await freePort();
  const logDirectory = join(placed.directory, 'logs');
  const file = join(placed.directory, 'server.properties');
  writeFileSync(file, propertiesOf(kafkaConfig({ port, controllerPort, logDirectory, options })));
  if (!existsSync(join(logDirectory, 'meta.properties'))) {
    const format = ['format', '--standalone', '-t', 'VGlkZW1hcmtUZXN0SWQwMQ', '-c', file];
    await runJava('kafka.tools.StorageTool', format, { timeoutMs: START_TIMEOUT_MS });
  }
  const java = [...KAFKA_JVM];
  java.push(...javaArguments('kafka.Kafka', 1024), file);
  return untilItAnswers({
    kind: 'kafka',
    name: 'kafka',
    program: 'java',
    args: java,
    port,
    placed,
    logDirectory,
  });
}

/** A broker by its command: it listens where it is told and keeps its log in a folder. */
async function startGiven(options: StartOptions): Promise<PeerBroker> {
  const { given } = options;
  if (given === undefined) throw new Error('no command was given');
  const placed = place(options);
  const port = options.port ?? (await freePort());
  const [program = '', ...args] = commandFor(given, port, placed.directory);
  return untilItAnswers({
    kind: 'given',
    name: given.name,
    program: findProgram(program) ?? program,
    args,
    port,
    placed,
    logDirectory: placed.directory,
    family: new Family(),
  });
}

/** How much of what a broker wrote to standard error is in a message: the end of it, in characters. */
const LAST_WORDS_MAX = 2_000;

/** Starts a program that says nothing when it is ready, and asks until it answers. */
async function untilItAnswers(given: {
  readonly kind: BrokerKind;
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly placed: Placed;
  readonly logDirectory: string;
  readonly family?: Family;
}): Promise<PeerBroker> {
  const { kind, name, port, logDirectory, placed, family } = given;
  const began = performance.now();
  const child = spawnOwned(given.program, given.args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(family && { env: { ...process.env, ...family.environment } }),
  });
  const errors = tailOf(child);
  const closed = exitOf(child);
  const ended = family === undefined ? closed : exitOf(child, 'exit');
  let code: number | undefined;
  void ended.then((one) => {
    code = one;
  });
  try {
    await waitUntil(() => answersApiVersions(port), {
      timeoutMs: START_TIMEOUT_MS,
      what: name,
      failed: () => (code === undefined ? '' : `ended with ${code}`),
    });
  } catch (cause) {
    child.kill('SIGKILL');
    await family?.end('SIGKILL');
    await closed;
    if (placed.temporary) removeFolder(placed.directory);
    throw new Error(`${textOfError(cause)}: ${errors().slice(-LAST_WORDS_MAX)}`, { cause });
  }
  const readyMs = performance.now() - began;
  const bootstrap = `127.0.0.1:${port}`;
  const known = { kind, bootstrap, port, readyMs, metricsPort: undefined } as const;
  return brokerOf(known, { name, child, ended, errors, place: placed, logDirectory, family });
}

/** Does work on a broker; when it fails, the message has the end of what a given one wrote to standard error. */
export async function withLastWords<T>(
  { kind, errors }: Pick<PeerBroker, 'kind' | 'errors'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const words = kind === 'given' ? errors().slice(-LAST_WORDS_MAX) : '';
    if (words === '') throw cause;
    throw new Error(`${textOfError(cause)}; the last it wrote: ${words}`, { cause });
  }
}

function kafkaConfig(given: {
  readonly port: number;
  readonly controllerPort: number;
  readonly logDirectory: string;
  readonly options: StartOptions;
}): BrokerConfig {
  const listeners = `PLAINTEXT://127.0.0.1:${given.port},CONTROLLER://127.0.0.1:${given.controllerPort}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${given.controllerPort}`,
    listeners,
    'advertised.listeners': listeners,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': given.logDirectory,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...given.options.config,
  };
}

interface Running {
  /** What messages call it; default: its kind. */
  readonly name?: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  readonly errors: () => string;
  readonly place: Placed;
  readonly logDirectory?: string;
  /** What it may have started. */
  readonly family?: Family | undefined;
}

function brokerOf(
  known: Pick<PeerBroker, 'kind' | 'bootstrap' | 'port' | 'readyMs' | 'metricsPort'>,
  running: Running,
): PeerBroker {
  const { child, ended, errors, place: placed, family, name: called = known.kind } = running;
  const signal = async (name: 'SIGTERM' | 'SIGKILL'): Promise<number> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await ended;
    clearTimeout(late);
    await family?.end(name);
    return code;
  };
  const stopKeepingData = async () => {
    const code = await signal('SIGTERM');
    // A Java process ends with 143 on SIGTERM even after an orderly shutdown.
    if (code !== 0 && code !== 143) throw new Error(`${called} ended with ${code}: ${errors()}`);
  };
  const clean = () => {
    if (placed.temporary) removeFolder(placed.directory);
  };
  return {
    ...known,
    pid: family?.listener(known.port) ?? child.pid ?? -1,
    logDirectory: running.logDirectory ?? placed.directory,
    errors,
    stopKeepingData,
    stop: () => stopKeepingData().finally(clean),
    kill: async () => {
      await signal('SIGKILL');
    },
  };
}

/** True once the port answers an ApiVersions request (key 18, version 0, no client id). */
export function answersApiVersions(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('data', () => done(true));
    socket.once('connect', () => {
      socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
    });
  });
}
