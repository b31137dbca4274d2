// The same jobs by our tools, by kcat and by Kafka's console tools, as shell commands.

import { fileURLToPath } from 'node:url';
import { javaArguments, tidemarkCommand } from '../peers/index.ts';
import type { TopicName } from './topics.ts';

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
  | CompressedRow
  | LongRow;

/** Of a topic that is compressed, into one that is: kcat and the console tools have to compress again. */
export type CompressedRow = 'lz4 export' | 'lz4 import' | 'lz4 replay';

/** Rows that show whether memory stays the same, over a topic that is much larger than it. */
export type LongRow = '10 GB export' | '10 GB import' | '10 GB replay';

export interface Job {
  readonly system: 'tidemark' | 'kcat' | 'kcat-json' | 'kafka-console' | 'bare-socket';
  readonly row: Row;
  /** What it copies. */
  readonly of: TopicName;
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

interface Console {
  consume(place: JobPlace): string;
  produce(place: JobPlace, codec?: Codec): string;
}

type Codec = 'none' | 'lz4';

const javaConsole: Console = {
  consume: ({ bootstrap, source, records }) =>
    java(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      `--bootstrap-server ${bootstrap} --topic ${source} --from-beginning --max-messages ${records} ` +
        '--formatter-property print.key=true',
    ),
  produce: ({ bootstrap, target }, codec = 'none') =>
    java(
      'org.apache.kafka.tools.ConsoleProducer',
      `--bootstrap-server ${bootstrap} --topic ${target} --reader-property parse.key=true ` +
        '--command-property acks=all --command-property linger.ms=20 --command-property batch.size=131072 ' +
        `--command-property compression.type=${codec}`,
    ),
};

const kcat: Console = {
  consume: ({ bootstrap, source }) =>
    `kcat -C -q -b ${bootstrap} -t ${source} -o beginning -e -K '\\t'`,
  produce: ({ bootstrap, target }, codec = 'none') =>
    `kcat -P -z ${codec} -b ${bootstrap} -t ${target} -K '\\t' -X acks=all -X linger.ms=20`,
};

const archive = {
  export: ({ bootstrap, source, file }: JobPlace, more = ''): string =>
    ours(`archive export ${source} --to ${file} --level 0 ${more} -b ${bootstrap}`),
  // Neither kcat nor the console tools wait for the disk.
  exportUnsynced: (place: JobPlace): string => archive.export(place, '--no-sync'),
  import: ({ bootstrap, target, file }: JobPlace): string =>
    ours(`archive import ${file} --to ${target} -b ${bootstrap}`),
};

const replay = ({ bootstrap, source, target }: JobPlace, more = ''): string =>
  ours(`replay ${source} --to ${target} ${more} --execute -b ${bootstrap}`);

const asIs = (place: JobPlace): string => replay(place, '--as-is');

const exported = (by: Console) => (place: JobPlace) => `${by.consume(place)} > ${place.file}`;
const imported = (by: Console, codec?: Codec) => (place: JobPlace) =>
  `${by.produce(place, codec)} < ${place.file}`;
const replayed = (by: Console, codec?: Codec) => (place: JobPlace) =>
  `${by.consume(place)} | ${by.produce(place, codec)}`;

const bareExport = (place: JobPlace): string => bare('export', place, place.source, place.file);
const bareImport = (place: JobPlace): string => bare('import', place, place.target, place.file);
const bareReplay = (place: JobPlace): string => bare('replay', place, place.source, place.target);

const kcatJson = ({ bootstrap, source, file }: JobPlace): string =>
  `kcat -C -q -J -b ${bootstrap} -t ${source} -o beginning -e > ${file}`;

const toTheDisk = (command: Job['command']) => (place: JobPlace) =>
  `${command(place)} && sync -d ${place.file}`;

/**
 * All of them, those that belong together side by side. kcat and the console tools do less: they keep no partitions,
 * timestamps or headers, and their plain text is read back only where no key or value has a tab or a line end in it.
 * `kcat -J` writes all of it, as JSON that kcat cannot read back.
 */
export const jobs: readonly Job[] = [
  { system: 'tidemark', row: 'export', of: 'plain', command: archive.exportUnsynced },
  { system: 'kcat', row: 'export', of: 'plain', command: exported(kcat) },
  { system: 'kcat-json', row: 'export', of: 'plain', command: kcatJson },
  { system: 'kafka-console', row: 'export', of: 'plain', command: exported(javaConsole) },
  { system: 'bare-socket', row: 'export', of: 'plain', command: bareExport },

  { system: 'tidemark', row: 'export to the disk', of: 'plain', command: archive.export },
  { system: 'kcat', row: 'export to the disk', of: 'plain', command: toTheDisk(exported(kcat)) },
  { system: 'bare-socket', row: 'export to the disk', of: 'plain', command: toTheDisk(bareExport) },

  { system: 'tidemark', row: 'import', of: 'plain', command: archive.import },
  { system: 'kcat', row: 'import', of: 'plain', command: imported(kcat) },
  { system: 'kafka-console', row: 'import', of: 'plain', command: imported(javaConsole) },
  { system: 'bare-socket', row: 'import', of: 'plain', command: bareImport },

  { system: 'tidemark', row: 'replay', of: 'plain', command: asIs },
  { system: 'kcat', row: 'replay', of: 'plain', command: replayed(kcat) },
  { system: 'kafka-console', row: 'replay', of: 'plain', command: replayed(javaConsole) },
  { system: 'bare-socket', row: 'replay', of: 'plain', command: bareReplay },
  { system: 'tidemark', row: 'replay with headers', of: 'plain', command: replay },

  { system: 'tidemark', row: 'lz4 export', of: 'lz4', command: archive.exportUnsynced },
  { system: 'kcat', row: 'lz4 export', of: 'lz4', command: exported(kcat) },
  { system: 'kafka-console', row: 'lz4 export', of: 'lz4', command: exported(javaConsole) },
  { system: 'bare-socket', row: 'lz4 export', of: 'lz4', command: bareExport },

  { system: 'tidemark', row: 'lz4 import', of: 'lz4', command: archive.import },
  { system: 'kcat', row: 'lz4 import', of: 'lz4', command: imported(kcat, 'lz4') },
  { system: 'kafka-console', row: 'lz4 import', of: 'lz4', command: imported(javaConsole, 'lz4') },
  { system: 'bare-socket', row: 'lz4 import', of: 'lz4', command: bareImport },

  { system: 'tidemark', row: 'lz4 replay', of: 'lz4', command: asIs },
  { system: 'kcat', row: 'lz4 replay', of: 'lz4', command: replayed(kcat, 'lz4') },
  { system: 'kafka-console', row: 'lz4 replay', of: 'lz4', command: replayed(javaConsole, 'lz4') },
  { system: 'bare-socket', row: 'lz4 replay', of: 'lz4', command: bareReplay },
];

/** In the order in which one needs the other. */
export const longJobs: readonly Job[] = [
  { system: 'tidemark', row: '10 GB export', of: 'plain', command: archive.export },
  { system: 'tidemark', row: '10 GB import', of: 'plain', command: archive.import },
  { system: 'tidemark', row: '10 GB replay', of: 'plain', command: asIs },
];

/** Whose file an import reads. */
export function exporterFor({ system, row, of }: Job): Job | undefined {
  const isExport = (one: Job): boolean => one.row === (of === 'lz4' ? 'lz4 export' : 'export');
  return row.includes('import')
    ? jobs.find((one) => one.system === system && isExport(one))
    : undefined;
}
