// Where Apache Kafka's jars are, and how its classes are run. The jars come from Maven Central by `mvn` and the
// pom.xml beside this file, once, into a cache folder outside the repository.

import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ChildOptions, type ChildResult, runChild } from './child.ts';
import { findProgram, orInstall } from './programs.ts';

export const KAFKA_VERSION = '4.3.1';

/** The folder that holds package.json: two or three above, since this also runs from dist. */
export function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package-lock.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('the project folder was not found');
    folder = above;
  }
  return folder;
}

/** Cache of downloaded programs: TIDEMARK_PEERS, or a folder in the system's temporary directory. */
export function peersFolder(): string {
  return resolve(process.env['TIDEMARK_PEERS'] ?? join(tmpdir(), 'tidemark-peers'));
}

/** Where `installKafka` puts the jars, or KAFKA_LIBS when that is set. */
export function kafkaLibsFolder(): string {
  return process.env['KAFKA_LIBS'] ?? join(peersFolder(), `kafka-${KAFKA_VERSION}`);
}

/** The folder with Kafka's jars if they are there (complete: the tools and the server). */
export function findKafkaLibs(): string | undefined {
  const folder = kafkaLibsFolder();
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder);
  const wanted = [`kafka-tools-${KAFKA_VERSION}.jar`, `kafka_2.13-${KAFKA_VERSION}.jar`];
  return wanted.every((name) => names.includes(name)) ? folder : undefined;
}

/** The folder with the jars, fetched unless they are there. Throws with the command that installs what is missing. */
export const installKafka = (): Promise<string> =>
  orInstall('kafka', () =>
    findProgram('java') === undefined
      ? Promise.reject(new Error('there is no java'))
      : fetchKafka(),
  );

/** Fetches the jars from Maven Central unless they are there. Needs `mvn` and network. */
export async function fetchKafka(): Promise<string> {
  const found = findKafkaLibs();
  if (found !== undefined) return found;
  if (findProgram('mvn') === undefined) throw new Error('there are no Kafka jars, and no mvn');
  const folder = kafkaLibsFolder();
  const pom = join(projectRoot(), 'bench/peers/pom.xml');
  const copy = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies'];
  await runChild('mvn', [...copy, `-DoutputDirectory=${folder}`], { timeoutMs: 600_000 });
  if (findKafkaLibs() === undefined) throw new Error(`mvn left no Kafka jars in ${folder}`);
  return folder;
}

export interface JavaOptions extends ChildOptions {
  /** Maximum heap. Default 512 MiB, as Kafka's scripts give their tools. */
  readonly heapMib?: number;
}

/** Arguments for `java` that run a class of Kafka's. Throws if the jars are not there. */
export function javaArguments(mainClass: string, heapMib = 512): string[] {
  const libs = findKafkaLibs();
  if (libs === undefined) throw new Error(`no Kafka jars in ${kafkaLibsFolder()}`);
  const logging = join(projectRoot(), 'bench/peers/log4j2.properties');
  return [
    `-Xmx${heapMib}M`,
    '-Xshare:auto',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${logging}`,
    '-cp',
    join(libs, '*'),
    mainClass,
  ];
}

/** Runs one of Kafka's command line classes, such as `org.apache.kafka.tools.DumpLogSegments`. */
export function runJava(
  mainClass: string,
  args: readonly string[],
  options: JavaOptions = {},
): Promise<ChildResult> {
  return runChild('java', [...javaArguments(mainClass, options.heapMib), ...args], options);
}
