// What users read: links lead somewhere, in the package too, commands and options are there, and the pages of configs
// and metrics are what the code says.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { projectRoot } from '../bench/peers/index.ts';
import { commandIndex, loadCommand } from '../src/cli/command-index.ts';
import * as tidemark from '../src/index.ts';
import {
  CONDITIONAL,
  configsPage,
  metricRow,
  metricRows,
  metricsPage,
} from '../tools/dev/reference-pages.ts';

const root = projectRoot();
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
];

/** Files of the package, as npm says. */
function packed(): Set<string> {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [pack] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return new Set(pack.files.map(({ path }) => path));
}

/** Links that are no addresses, outside of code. */
function linksOf(file: string): string[] {
  const prose = textOf(file)
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/`[^`\n]*`/g, 'code');
  const found = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return found.filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors that headings have on GitHub. */
function anchorsOf(file: string): string[] {
  const headings = textOf(file)
    .replaceAll(/^```.*?^```/gms, '')
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every link of README, CHANGELOG and docs leads to a file of the package, and to a heading of it', () => {
  const files = packed();
  const links = documents.flatMap((file) => linksOf(file).map((link) => ({ file, link })));
  expect(links.length).toBeGreaterThan(20);
  const wrong = links.flatMap(({ file, link }) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(root, target))) return [`${file}: ${link} does not exist`];
    if (!files.has(target)) return [`${file}: ${link} is not in the package (package.json, files)`];
    if (anchor === undefined || anchorsOf(target).includes(anchor)) return [];
    return [`${file}: ${link} has no such heading`];
  });
  expect(wrong).toEqual([]);
});

/** What is typed after `tidemark` in blocks of shell and in code within a line. */
function commandsOf(file: string): string[][] {
  const text = textOf(file);
  const blocks = [...text.matchAll(/^ *```sh\n(.*?)^ *```/gms)].map(([, block = '']) => block);
  const typed = blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map(
      (line) => /^(?:.*\| )?(?:npx )?(tidemark .*)$/.exec(line.replace(/\s+#.*/, ''))?.[1] ?? '',
    );
  const inline = [...text.matchAll(/`(tidemark [a-z][^`\n]*)`/g)].map(([, code = '']) => code);
  return [...typed, ...inline]
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/).slice(1));
}

/** The command, or its verb, that the words name; undefined when there is none. */
async function commandNamed(words: readonly string[]): Promise<Command | undefined> {
  const [noun, verb = ''] = words;
  const entry = commandIndex.find(({ name, alias }) => name === noun || alias === noun);
  if (entry === undefined) return undefined;
  const command = await loadCommand(entry.name, { args: [], v8Threads: [] });
  const named = command.commands.find((one) => one.name() === verb);
  const isVerb = /^[a-z]/.test(verb) && command.registeredArguments.length === 0;
  return named ?? (isVerb && command.commands.length > 0 ? undefined : command);
}

test('every command that documents tell to type is there, with its options', async () => {
  const typed = documents.flatMap((file) => commandsOf(file).map((words) => ({ file, words })));
  expect(typed.length).toBeGreaterThan(50);
  const wrong: string[] = [];
  for (const { file, words } of typed) {
    const command = await commandNamed(words);
    const options = command?.options.flatMap(({ long, short }) => [long, short]) ?? [];
    const known = new Set([...options, '--help']);
    const unknown = words.filter((word) => /^--?[a-z]/.test(word) && !known.has(word));
    if (command === undefined || unknown.length > 0) wrong.push(`${file}: ${words.join(' ')}`);
  }
  expect(wrong).toEqual([]);
});

test('docs/api.md names all that the package exports, and every call of Admin', () => {
  const page = textOf('docs/api.md');
  const names = [...Object.keys(tidemark), ...Object.getOwnPropertyNames(tidemark.Admin.prototype)];
  const missing = names.filter((name) => !page.includes(`\`${name}\``) && name !== 'constructor');
  expect(missing).toEqual([]);
});

test('README counts the requests of docs/compatibility.md, which have the versions that Kafka has', () => {
  const rows = [
    ...textOf('docs/compatibility.md').matchAll(/^\| \w+ \| \d+ \| (.*?) \| (.*?) \|/gm),
  ];
  expect(rows.filter(([, kafka, ours]) => kafka !== ours)).toEqual([]);
  expect(textOf('README.md')).toContain(`Tidemark serves ${rows.length} of the requests`);
});

// To renew both pages: node dist/tools/dev/write-reference-pages.js http://HOST:PORT/metrics
test('docs/configs.md is what the tables of configs say', () => {
  expect(textOf('docs/configs.md')).toBe(configsPage());
});

test('docs/metrics.md is what a broker tells', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-metrics-'));
  const broker = await tidemark.serve({ dataDir, port: 0, metricsPort: 0 });
  let told: string;
  try {
    const { metricsAddress: at } = broker;
    told = await (await fetch(`http://${at?.host}:${at?.port}/metrics`)).text();
  } finally {
    await broker.close();
    await rm(dataDir, { recursive: true, force: true });
  }
  const page = textOf('docs/metrics.md');
  const rows = metricRows(told).map(metricRow);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  const documented = [...page.matchAll(/^\| `(\w+)/gm)].map(([, name = '']) => name);
  const here = new Set(metricRows(told).map(({ name }) => name));
  expect(documented.filter((name) => !here.has(name) && !(name in CONDITIONAL))).toEqual([]);
  expect(page.startsWith(metricsPage(''))).toBe(true);
});

test('what the pages tell to watch is there', () => {
  const known = new Set(
    [...textOf('docs/metrics.md').matchAll(/tidemark_\w+/g)].map(([name]) => name),
  );
  const named = documents.flatMap((file) =>
    [...textOf(file).matchAll(/(?<!_)tidemark_[a-z_]+/g)].map(([name]) => name),
  );
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  const configs = textOf('docs/configs.md');
  const set = documents.flatMap((file) =>
    [
      ...textOf(file).matchAll(
        /tidemark\.(?:min|max|scrub|zero|flush|events|damaged)\.[a-z.]+[a-z]/g,
      ),
    ].map(([name]) => name),
  );
  expect(set.filter((name) => !configs.includes(`\`${name}\``))).toEqual([]);
});
