// `npm run build`, after tsc: joins the sources into the few files that the package holds, in dist/lib. Loading four
// hundred modules one by one is most of what a start costs; these are read in a fraction of that. All entries are made
// in one go, so that what they share lies in files that they share, and a class is the same one from every entry.
// All files lie in one folder: what looks for a neighbour by `import.meta.url` (workers, child processes) finds it.

import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type OutputAsset,
  type OutputChunk,
  type Plugin,
  type RolldownOptions,
  rolldown,
} from 'rolldown';

const root = resolve(import.meta.dirname, '../../..');
const lib = resolve(root, 'dist/lib');

/** File in dist/lib → source: the exports, the command, and what runs in a thread or process of its own. */
const entries = {
  index: 'src/index.ts',
  client: 'src/client/index.ts',
  testing: 'src/testing/index.ts',
  protocol: 'src/protocol/index.ts',
  dlq: 'tools/dlq/index.ts',
  archive: 'tools/archive/index.ts',
  replay: 'tools/replay/index.ts',
  main: 'src/cli/main.ts',
  'compaction-worker': 'src/host/compaction-worker.ts',
  'record-worker': 'src/host/record-worker.ts',
  'module-worker': 'tools/replay/module-worker.ts',
  'writer-child': 'tools/torture/writer-child.ts',
};

/**
 * What lies in one file, each importing only those above it: a file costs about a millisecond, whatever its size, so
 * modules that are used together are joined. The rest is split by which entries need it.
 */
const groups: Readonly<Record<string, readonly string[]>> = {
  base: [
    'base/',
    'record/',
    ...['accelerators', 'keep-alive', 'node-clock', 'node-random', 'node-tls'].map(inHost),
    inHost('tcp-connector'),
    'compose/addresses.ts',
  ],
  // Of no use to a start.
  'log-records': ['protocol/log-records/'],
  protocol: ['protocol/'],
  storage: [
    'storage/',
    ...['data-lock', 'make-directories', 'native-io', 'node-disk', 'open-files'].map(inHost),
    inHost('prompt-writes'),
  ],
  client: ['client/'],
  broker: [
    'engine/',
    'coordinator/',
    'broker/',
    ...['tcp-server', 'compaction-pool', 'record-pool', 'worker-pool'].map(inHost),
    ...['serve-alone', 'start-serving'].map((name) => `compose/${name}.ts`),
  ],
  cli: ['exit-codes', 'io', 'program', 'version', 'command-index'].map((name) => `cli/${name}.ts`),
};

function inHost(name: string): string {
  return `host/${name}.ts`;
}

const bin = { bin: 'src/cli/bin.cts' };

/** One letter outside Latin-1 makes V8 keep and read the whole file as two bytes a letter. */
const asciiOnly: Plugin = {
  name: 'ascii-only',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === 'chunk') file.code = file.code.replace(/[^\n\t -~]/g, escaped);
    }
  },
};

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The command's first file loads the rest when it has set up the process. */
const besideBin: Plugin = {
  name: 'beside-bin',
  resolveId: (source) => (source === './main.ts' ? { id: './main.js', external: true } : null),
};

/** Files that import each other run before what they need is there. */
function refuseCycles(output: readonly (OutputChunk | OutputAsset)[]): void {
  const chunks = new Map(
    output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])),
  );
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw new Error(`bundle: cycle ${[...path, name].join(' → ')}`);
    if (done.has(name)) return;
    for (const next of chunks.get(name)?.imports ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of chunks.keys()) visit(name, []);
}

function packages(): RegExp[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(resolve(root, 'package.json'), 'utf8'),
  );
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return [/^node:/, ...names.map((name) => new RegExp(`^${name}(/|$)`))];
}

async function build(
  input: Record<string, string>,
  format: 'esm' | 'cjs',
  plugins: readonly Plugin[],
): Promise<void> {
  const options: RolldownOptions = {
    cwd: root,
    input,
    platform: 'node',
    external: packages(),
    plugins: [...plugins],
    // A warning that nobody reads is worth nothing: mend it, or say here why it may be.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`bundle: ${log.message}`);
    },
  };
  const bundle = await rolldown(options);
  try {
    const { output } = await bundle.write({
      dir: lib,
      format,
      entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
      chunkFileNames: 'shared-[name].js',
      comments: false,
      sourcemap: true,
      codeSplitting: {
        groups: Object.entries(groups).map(([name, places], index, all) => ({
          name,
          test: (id: string) => places.some((place) => id.startsWith(resolve(root, 'src', place))),
          priority: all.length - index,
        })),
      },
      plugins: [asciiOnly],
    });
    refuseCycles(output);
  } finally {
    await bundle.close();
  }
}

rmSync(lib, { recursive: true, force: true });
mkdirSync(lib, { recursive: true });
await build(entries, 'esm', []);
await build(bin, 'cjs', [besideBin]);
// npx links to it, and makes it executable only once: what is built later has to be so by itself.
chmodSync(resolve(lib, 'bin.cjs'), 0o755);
