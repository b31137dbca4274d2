// The rules of the house as a test: which folder of src and tools may import which, what only src/host may touch, and
// sizes.
// A wish for another arrow is a design question: change the table here and the map in src/README.md together.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Folder of src, or tool → folders of src and tools it may import. `*` is everything. */
const layers: Record<string, readonly string[]> = {
  base: [],
  protocol: ['base'],
  record: ['base'],
  storage: ['base', 'record'],
  engine: ['base', 'record', 'storage'],
  coordinator: ['base', 'protocol', 'record'],
  client: ['base', 'protocol', 'record'],
  broker: ['base', 'protocol', 'record', 'engine', 'coordinator'],
  inspect: ['base', 'record', 'storage'],
  host: ['base', 'record', 'storage', 'broker', 'client'],
  compose: [
    'base',
    'protocol',
    'record',
    'storage',
    'engine',
    'coordinator',
    'broker',
    'client',
    'host',
    'inspect',
  ],
  testing: ['compose', 'base', 'protocol', 'storage', 'client', 'broker'],
  cli: ['*'],
  'index.ts': ['compose', 'base', 'client'],
  'tools/batches': ['base', 'record', 'client'],
  'tools/replay': ['base', 'record', 'client', 'tools/batches'],
  'tools/archive': ['base', 'record', 'client', 'tools/batches', 'tools/replay'],
  'tools/dlq': ['base', 'client', 'host', 'tools/batches', 'tools/replay'],
  'tools/crawler': ['base', 'client', 'tools/batches', 'tools/dlq'],
  'tools/demo': ['base', 'client'],
  'tools/torture': ['base', 'record', 'storage', 'inspect', 'host'],
  'tools/dev': ['base', 'protocol'],
};

/**
 * Folder of src/storage → those of its folders that it may import. What lies beside them is types alone, which all may
 * name, but for the door and what imports nothing.
 */
const storageLayers: Record<string, readonly string[]> = {
  disk: [],
  scan: ['disk'],
  segment: ['disk', 'scan'],
  metadata: ['disk', 'segment'],
  commit: ['disk', 'segment', 'metadata'],
  damage: ['disk', 'scan', 'segment'],
  compaction: ['disk', 'scan', 'segment', 'metadata', 'damage'],
  recovery: ['disk', 'scan', 'segment', 'metadata', 'damage', 'compaction'],
  reading: ['disk', 'scan', 'segment', 'damage'],
  log: ['disk', 'scan', 'segment', 'metadata', 'commit', 'damage', 'compaction', 'reading'],
  store: ['*'],
};

/** Folders that are entered by file. */
const open = new Set(['base', 'host', 'compose', 'tools/batches']);

/** Packages that a folder may import besides Node's own modules. */
const packages: Record<string, readonly string[]> = {
  base: ['xxhash-wasm'],
  record: ['lz4-napi', 'snappy', 'snappyjs', '@bokuweb/zstd-wasm'],
  storage: ['xxhash-wasm'],
  coordinator: ['re2js'],
  client: ['msgpackr'],
  host: ['@node-rs/crc32', 'koffi', 'piscina'],
  cli: ['commander', '@bomb.sh/tab', 'msgpackr'],
  'tools/archive': ['msgpackr'],
  'tools/crawler': ['htmlparser2', 'robots-parser'],
  'tools/dev': ['rolldown'],
};

/** Node modules that compute and touch nothing outside: allowed everywhere. */
const pureNodeModules = new Set([
  'node:zlib',
  'node:buffer',
  'node:crypto',
  'node:util',
  'node:module',
]);

/** Folders that may reach the outside world. */
const impure = new Set([
  ...['host', 'cli', 'compose', 'testing'],
  ...['tools/replay', 'tools/archive', 'tools/crawler', 'tools/torture', 'tools/dev'],
]);

const bannedOutsideHost: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\(/, 'take the time from a Clock'],
  [/\bnew Date\(\)/, 'take the time from a Clock'],
  [/\bMath\.random\(/, 'take randomness from a Random'],
  [/\b(setTimeout|setInterval|setImmediate)\(/, 'take timers from a Clock'],
  [/\bprocess\.(?!binding|roles)/, 'the process belongs to src/host and src/cli'],
  [/\bperformance\.now\(/, 'take the time from a Clock'],
];

const bannedEverywhere: readonly (readonly [RegExp, string])[] = [
  [/\bTODO\b|\bFIXME\b/, 'finish it, or say it in an issue'],
  [/:\s*any\b|<any>|\bas any\b/, 'no any'],
  [/@ts-ignore|@ts-expect-error/, 'mend the type'],
  [/^export default/m, 'named exports only'],
  [/^export \* from/m, 'explicit named exports only'],
];

interface Source {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly code: string;
}

function* walk(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist') continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

/** Comments blanked, so that prose may name what code may not use. Strings stay (imports live there). */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (match) => match.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`\\])\/\/[^\n]*/g, (_match, before: string) => before);
}

/** The folder of src, or the tool (`tools/dlq`), that a file is of; `door`: others may import it. */
function placeOf(path: string): { folder: string; door: boolean } {
  const [top = '', name = '', ...rest] = relative(root, path).split(sep);
  const folder = top === 'src' ? name : `${top}/${name}`;
  return { folder, door: rest.length === 0 || rest[0] === 'index.ts' || open.has(folder) };
}

function load(folder: string): Source[] {
  return [...walk(join(root, folder))].map((path) => {
    const text = readFileSync(path, 'utf8');
    return {
      path: relative(root, path),
      folder: placeOf(path).folder,
      text,
      code: withoutComments(text),
    };
  });
}

const sources = [...load('src'), ...load('tools')];

function imports(source: Source): string[] {
  const found: string[] = [];
  for (const match of source.code.matchAll(/(?<![\w.'])(?:from\s*|import\s*\(?\s*)'([^'\n]+)'/g)) {
    if (match[1] !== undefined) found.push(match[1]);
  }
  return found;
}

function targetOf(source: Source, specifier: string): { folder: string; door: boolean } {
  return placeOf(resolve(dirname(join(root, source.path)), specifier));
}

describe('layers', () => {
  test('every folder of src and tools has its row in the table', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(
      [...new Set(sources.map((source) => source.folder))].filter((name) => !(name in layers)),
    ).toEqual([]);
  });

  test('imports follow the arrows', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      const allowed = layers[source.folder] ?? [];
      for (const specifier of imports(source)) {
        if (!specifier.startsWith('.')) continue;
        const target = targetOf(source, specifier);
        if (target.folder === source.folder || allowed.includes('*')) continue;
        if (!allowed.includes(target.folder)) wrong.push(`${source.path} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('a folder is entered through its index.ts (base, host, compose and batches by file)', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      for (const specifier of imports(source)) {
        if (!specifier.startsWith('.')) continue;
        const target = targetOf(source, specifier);
        // The command line goes into any folder of src, but into no tool.
        const isInside =
          target.folder === source.folder ||
          (source.folder === 'cli' && !target.folder.startsWith('tools/'));
        if (!isInside && !target.door) wrong.push(`${source.path} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the folders of storage follow theirs, and what lies beside them is types', () => {
    const wrong: string[] = [];
    const folderOf = (path: string): string => {
      const [top, folder, name = '', file] = path.split(sep);
      if (top !== 'src' || folder !== 'storage') return 'outside';
      return file === undefined ? 'beside' : name;
    };
    const inside = sources.filter(({ path }) => folderOf(path) !== 'outside');
    for (const source of inside) {
      const from = folderOf(source.path);
      // They are erased.
      const withoutTypes = source.code.replace(
        /^(?:import|export) type \{[^}]*\} from '[^']*';/gm,
        '',
      );
      const code = from === 'beside' ? withoutTypes : source.code;
      const allowed = from === 'beside' ? [] : storageLayers[from];
      if (source.path.endsWith(join('storage', 'index.ts')) || allowed?.includes('*')) continue;
      for (const specifier of imports({ ...source, code })) {
        if (!specifier.startsWith('.')) continue;
        const target = resolve(dirname(join(root, source.path)), specifier);
        const to = folderOf(relative(root, target));
        if (to === from || to === 'outside' || (to === 'beside' && from !== 'beside')) continue;
        if (!allowed?.includes(to)) wrong.push(`${source.path} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
    expect([...new Set(inside.map(({ path }) => folderOf(path)))].sort()).toEqual(
      ['beside', ...Object.keys(storageLayers)].sort(),
    );
  });

  test('packages and Node modules are used only where the tables say', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      for (const specifier of imports(source)) {
        if (specifier.startsWith('.')) continue;
        if (specifier.startsWith('node:')) {
          if (!impure.has(source.folder) && !pureNodeModules.has(specifier)) {
            wrong.push(`${source.path} → ${specifier}`);
          }
          continue;
        }
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        if (!(packages[source.folder] ?? []).includes(name))
          wrong.push(`${source.path} → ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('nothing imports cli, and src and tools do not import tests or benches', () => {
    const wrong = sources.flatMap((source) =>
      imports(source)
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => {
          const path = relative(root, resolve(dirname(join(root, source.path)), specifier));
          return !path.startsWith(`src${sep}`) && !path.startsWith(`tools${sep}`);
        })
        .map((specifier) => `${source.path} → ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('purity and form', () => {
  test('clocks, randomness and the process stay in the folders that may reach them', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      if (impure.has(source.folder)) continue;
      for (const [pattern, instead] of bannedOutsideHost) {
        if (pattern.test(source.code)) wrong.push(`${source.path}: ${pattern.source} (${instead})`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('no unfinished work, no any, no silenced types, no default or star exports', () => {
    const wrong: string[] = [];
    for (const source of [...sources, ...load('bench')]) {
      for (const [pattern, why] of bannedEverywhere) {
        if (pattern.test(source.code)) wrong.push(`${source.path}: ${pattern.source} (${why})`);
      }
      if (/\b(TODO|FIXME)\b/.test(source.text))
        wrong.push(`${source.path}: unfinished work in a comment`);
    }
    expect(wrong).toEqual([]);
  });

  test('files are short, lines too, and names are kebab-case', () => {
    const wrong: string[] = [];
    for (const source of [...sources, ...load('bench')]) {
      const lines = source.text.split('\n');
      if (lines.length > 401) wrong.push(`${source.path}: ${lines.length} lines`);
      const long = lines.findIndex((line) => line.length > 120);
      if (long >= 0) wrong.push(`${source.path}:${long + 1}: longer than 120 characters`);
      const name = source.path.split(sep).at(-1) ?? '';
      if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(name)) wrong.push(`${source.path}: name`);
    }
    expect(wrong).toEqual([]);
  });
});
