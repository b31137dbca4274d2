// `npm run bench -- install [PEER…]`: installs what the benchmark runs beside ours. Each peer needs programs, which are
// in Debian's packages, and some need what a script fetches or builds.

import { textOfError } from '../../src/base/errors.ts';
import { installPackages, type Packaged, runs } from './debian.ts';
import { fetchKafka, findKafkaLibs, KAFKA_VERSION } from './jars.ts';
import { buildLibrdkafka, findLibrdkafka, LIBRDKAFKA_VERSION } from './librdkafka.ts';
import { findClients, installClients } from './others.ts';
import { findProgram, versionOf } from './programs.ts';

export interface Installable {
  /** What it needs to run, and what installing it needs while it is not there. */
  readonly programs: () => readonly Packaged[];
  /** What no package has. Throws when it cannot be had. */
  readonly rest?: () => Promise<unknown>;
  /** Of what is there; undefined when something of it is not. */
  readonly version: () => string | undefined;
}

/** The Java client and server of Kafka need `java`; its jars come by `mvn`. */
const JAVA: Packaged = { program: 'java', package: 'default-jre-headless' };

/** What can be installed, by the names of `--peers` and of what the suites call for besides. */
export const installables: Readonly<Record<string, Installable>> = {
  kafka: {
    programs: () =>
      findKafkaLibs() === undefined ? [JAVA, { program: 'mvn', package: 'maven' }] : [JAVA],
    rest: fetchKafka,
    version: () =>
      findProgram('java') === undefined || findKafkaLibs() === undefined
        ? undefined
        : KAFKA_VERSION,
  },
  librdkafka: {
    programs: () => [
      { program: 'cargo', package: 'cargo' },
      { program: 'make', package: 'make' },
      { program: 'cc', package: 'gcc' },
      { program: 'c++', package: 'g++' },
    ],
    rest: buildLibrdkafka,
    version: () => (findLibrdkafka() === undefined ? undefined : LIBRDKAFKA_VERSION),
  },
  nats: {
    programs: () => [{ program: 'nats-server', package: 'nats-server', service: 'nats-server' }],
    rest: installClients,
    version: () => (findClients() === undefined ? undefined : versionOf('nats-server')),
  },
  redis: {
    programs: () => [
      { program: 'redis-server', package: 'redis-server', service: 'redis-server' },
      { program: 'redis-benchmark', package: 'redis-tools' },
    ],
    version: () =>
      findProgram('redis-benchmark') === undefined ? undefined : versionOf('redis-server'),
  },
  kcat: {
    programs: () => [{ program: 'kcat', package: 'kcat' }],
    version: () => versionOf('kcat', '-V'),
  },
};

/** Installs what is missing and says of each what became of it. Answers the exit code. */
export async function installPeers(
  names: readonly string[],
  say: (line: string) => void,
  { known, packages }: InstallOptions = { known: installables, packages: installWith },
): Promise<number> {
  let code = 0;
  for (const name of names.length > 0 ? names : Object.keys(known)) {
    const one = known[name];
    if (one === undefined) throw new Error(`${name} is none of ${Object.keys(known).join(', ')}`);
    try {
      const there = one.version();
      const version = there ?? (await install(one, packages));
      say(`${name}: ${version} ${there === undefined ? 'installed' : 'is there'}`);
    } catch (error) {
      code = 1;
      say(`${name}: not installed: ${textOfError(error)}`);
    }
  }
  return code;
}

interface InstallOptions {
  readonly known: Readonly<Record<string, Installable>>;
  /** Installs packages. Throws when they cannot be had. */
  readonly packages: (packages: readonly Packaged[]) => void;
}

const installWith = (packages: readonly Packaged[]): void => installPackages(packages, runs);

/** Answers the version. */
async function install(
  { programs, rest, version }: Installable,
  packages: InstallOptions['packages'],
): Promise<string> {
  const missing = programs().filter(({ program }) => findProgram(program) === undefined);
  if (missing.length > 0) packages(missing);
  await rest?.();
  const there = version();
  if (there === undefined) throw new Error('it is not there though nothing failed');
  return there;
}
