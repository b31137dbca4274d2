// The same jobs by our tools, by kcat and by Kafka's console tools, as shell commands.

import { fileURLToPath } from 'node:url';
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

/** What a job does, beside others that do the same. */
export type Row =
  | 'export'
  | 'export to the disk'
  | 'import'
  | 'replay'
  | 'replay with headers'
  | LongRow;

/** Rows that show whether memory stays the same, over a topic that is much larger than it. */
export type LongRow = '10 GB export' | '10 GB import' | '10 GB replay';

export interface Job {
  readonly system: 'tidemark' | 'kcat' | 'kcat-json' | 'kafka-console' | 'bare-socket';
  readonly row: Row;
  command(place: JobPlace): string;
}

const ours = (args: string): string =>
  `${quoted(process.execPath)} ${quoted(tidemarkCommand())} ${args}`;

function java(mainClass: string, args: string): string {
  return `java ${javaArguments(mainClass).map(quoted).join(' ')} ${args}`;
}

/** See bare.ts. */
function bare(job: string, { bootstrap }: JobPlace, topic: string, to: string): string {
  const script = fileURLToPath(new URL('bare.js', import.meta.url));
  const port = bootstrap.slice(bootstrap.lastIndexOf(':') + 1);
  return `${quoted(process.execPath)} ${quoted(script)} ${job} ${port} ${topic} ${to}`;
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

const archive = {
  export: ({ bootstrap, source, file }: JobPlace, more = ''): string =>
    ours(`archive export ${source} --to ${file} --level 0 ${more} -b ${bootstrap}`),
  import: ({ bootstrap, target, file }: JobPlace): string =>
    ours(`archive import ${file} --to ${target} -b ${bootstrap}`),
};

const replay = ({ bootstrap, source, target }: JobPlace, more = ''): string =>
  ours(`replay ${source} --to ${target} ${more} --execute -b ${bootstrap}`);

/**
 * All of them, those that belong together side by side. kcat and the console tools do less: they keep no partitions,
 * timestamps or headers, and their plain text is read back only where no key or value has a tab or a line end in it.
 * `kcat -J` writes all of it, as JSON that kcat cannot read back.
 */
export const jobs: readonly Job[] = [
  // Neither kcat nor the console tools wait for the disk.
  { system: 'tidemark', row: 'export', command: (place) => archive.export(place, '--no-sync') },
  { system: 'kcat', row: 'export', command: (place) => `${kcat.consume(place)} > ${place.file}` },
  {
    system: 'kcat-json',
    row: 'export',
    command: ({ bootstrap, source, file }) =>
      `kcat -C -q -J -b ${bootstrap} -t ${source} -o beginning -e > ${file}`,
  },
  {
    system: 'kafka-console',
    row: 'export',
    command: (place) => `${javaConsole.consume(place)} > ${place.file}`,
  },
  {
    system: 'bare-socket',
    row: 'export',
    command: (place) => bare('export', place, place.source, place.file),
  },
  { system: 'tidemark', row: 'export to the disk', command: (place) => archive.export(place) },
  {
    system: 'kcat',
    row: 'export to the disk',
    command: (place) => `${kcat.consume(place)} > ${place.file} && sync -d ${place.file}`,
  },
  {
    system: 'bare-socket',
    row: 'export to the disk',
    command: (place) =>
      `${bare('export', place, place.source, place.file)} && sync -d ${place.file}`,
  },
  { system: 'tidemark', row: 'import', command: archive.import },
  { system: 'kcat', row: 'import', command: (place) => `${kcat.produce(place)} < ${place.file}` },
  {
    system: 'kafka-console',
    row: 'import',
    command: (place) => `${javaConsole.produce(place)} < ${place.file}`,
  },
  {
    system: 'bare-socket',
    row: 'import',
    command: (place) => bare('import', place, place.target, place.file),
  },
  { system: 'tidemark', row: 'replay', command: (place) => replay(place, '--as-is') },
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
    system: 'bare-socket',
    row: 'replay',
    command: (place) => bare('replay', place, place.source, place.target),
  },
  { system: 'tidemark', row: 'replay with headers', command: (place) => replay(place) },
];

/** In the order in which one needs the other. */
export const longJobs: readonly Job[] = [
  { system: 'tidemark', row: '10 GB export', command: (place) => archive.export(place) },
  { system: 'tidemark', row: '10 GB import', command: archive.import },
  { system: 'tidemark', row: '10 GB replay', command: (place) => replay(place, '--as-is') },
];
