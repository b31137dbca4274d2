// The same jobs by our tools, by kcat and by Kafka's console tools, as shell commands.

import { javaArguments, tidemarkCommand } from '../peers/index.ts';

/** What a job works on. */
export interface JobPlace {
  readonly bootstrap: string;
  readonly source: string;
  /** A new topic for each job that writes one. */
  readonly target: string;
  /** A new file name for each export; of an earlier export for an import. */
  readonly file: string;
  readonly records: number;
}

export interface Job {
  readonly system: 'tidemark' | 'kcat' | 'kafka-console';
  readonly row: 'export' | 'import' | 'replay' | 'replay with headers';
  command(place: JobPlace): string;
}

const ours = (args: string): string =>
  `${quoted(process.execPath)} ${quoted(tidemarkCommand())} ${args}`;

function java(mainClass: string, args: string): string {
  return `java ${javaArguments(mainClass).map(quoted).join(' ')} ${args}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const javaConsole = {
  consume: ({ bootstrap, source, records }: JobPlace): string =>
    java(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      `--bootstrap-server ${bootstrap} --topic ${source} --from-beginning --max-messages ${records} ` +
        '--formatter-property print.key=true',
    ),
  produce: ({ bootstrap, target }: JobPlace): string =>
    java(
      'org.apache.kafka.tools.ConsoleProducer',
      `--bootstrap-server ${bootstrap} --topic ${target} --reader-property parse.key=true ` +
        '--command-property acks=all --command-property linger.ms=20 --command-property batch.size=131072',
    ),
};

const kcat = {
  consume: ({ bootstrap, source }: JobPlace): string =>
    `kcat -C -q -b ${bootstrap} -t ${source} -o beginning -e -K '\\t'`,
  produce: ({ bootstrap, target }: JobPlace): string =>
    `kcat -P -b ${bootstrap} -t ${target} -K '\\t' -X acks=all -X linger.ms=20`,
};

/** All of them, those that belong together side by side. */
export const jobs: readonly Job[] = [
  {
    system: 'tidemark',
    row: 'export',
    command: ({ bootstrap, source, file }) =>
      ours(`archive export ${source} --to ${file} --level 0 -b ${bootstrap}`),
  },
  { system: 'kcat', row: 'export', command: (place) => `${kcat.consume(place)} > ${place.file}` },
  {
    system: 'kafka-console',
    row: 'export',
    command: (place) => `${javaConsole.consume(place)} > ${place.file}`,
  },
  {
    system: 'tidemark',
    row: 'import',
    command: ({ bootstrap, target, file }) =>
      ours(`archive import ${file} --to ${target} -b ${bootstrap}`),
  },
  { system: 'kcat', row: 'import', command: (place) => `${kcat.produce(place)} < ${place.file}` },
  {
    system: 'kafka-console',
    row: 'import',
    command: (place) => `${javaConsole.produce(place)} < ${place.file}`,
  },
  {
    system: 'tidemark',
    row: 'replay',
    command: ({ bootstrap, source, target }) =>
      ours(`replay ${source} --to ${target} --as-is --execute -b ${bootstrap}`),
  },
  {
    system: 'kcat',
    row: 'replay',
    command: (place) => `${kcat.consume(place)} | ${kcat.produce(place)}`,
  },
  {
    system: 'kafka-console',
    row: 'replay',
    command: (place) => `${javaConsole.consume(place)} | ${javaConsole.produce(place)}`,
  },
  {
    system: 'tidemark',
    row: 'replay with headers',
    command: ({ bootstrap, source, target }) =>
      ours(`replay ${source} --to ${target} --execute -b ${bootstrap}`),
  },
];
