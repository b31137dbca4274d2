// librdkafka's own rdkafka_performance, and the loads of librdkafka/load.c on the same library: built once into the
// cache folder from the sources that come inside the `rdkafka-sys` crate. Needs cargo, make and a C compiler.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.ts';
import { peersFolder, projectRoot } from './jars.ts';
import { orInstall } from './programs.ts';
import { removeFolder, temporaryFolder } from './temporary.ts';

/** The crate's version says which librdkafka is in it. */
const CRATE = { version: '4.10.0', librdkafka: '2.12.1' } as const;
export const LIBRDKAFKA_VERSION = CRATE.librdkafka;

const BUILD_TIMEOUT_MS = 600_000;

export interface Librdkafka {
  /** Its example program `rdkafka_performance`, unchanged. */
  readonly performance: string;
  /** The program of librdkafka/load.c. */
  readonly load: string;
}

const manifest = `[package]
name = "sources"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
rdkafka-sys = "=${CRATE.version}"
`;

function loadSource(): string {
  return join(projectRoot(), 'bench/peers/librdkafka/load.c');
}

function places(): Librdkafka & { readonly folder: string } {
  const folder = join(peersFolder(), `librdkafka-${CRATE.librdkafka}`);
  const digest = createHash('sha256').update(readFileSync(loadSource())).digest('hex').slice(0, 12);
  return {
    folder,
    performance: join(folder, 'rdkafka_performance'),
    load: join(folder, `load-${digest}`),
  };
}

/** The programs, if they were built. */
export function findLibrdkafka(): Librdkafka | undefined {
  const { performance, load } = places();
  return existsSync(performance) && existsSync(load) ? { performance, load } : undefined;
}

/** The programs, built unless they are there. Throws with the command that installs what is missing. */
export const installLibrdkafka = (): Promise<Librdkafka> =>
  orInstall('librdkafka', buildLibrdkafka);

/** Builds what is missing. Throws with the end of what cargo or make said. */
export async function buildLibrdkafka(): Promise<Librdkafka> {
  const { folder, performance, load } = places();
  mkdirSync(folder, { recursive: true });
  const library = join(folder, 'librdkafka.a');
  if (!existsSync(performance) || !existsSync(library)) await buildLibrary(folder);
  if (!existsSync(load)) {
    const libraries = readFileSync(join(folder, 'libraries'), 'utf8').trim().split(/\s+/);
    const flags = ['-O2', '-std=gnu11', '-I', folder, '-o', load];
    await runChild('cc', [...flags, loadSource(), library, ...libraries]);
  }
  return { performance, load };
}

async function buildLibrary(folder: string): Promise<void> {
  const work = temporaryFolder('librdkafka-');
  try {
    writeFileSync(join(work, 'Cargo.toml'), manifest);
    writeFileSync(join(work, 'lib.rs'), '');
    const limited = { timeoutMs: BUILD_TIMEOUT_MS };
    await runChild('cargo', ['vendor', '--quiet', 'vendor'], { ...limited, cwd: work });
    const sources = join(work, 'sources');
    cpSync(join(work, 'vendor/rdkafka-sys/librdkafka'), sources, { recursive: true });
    const inSources = { ...limited, cwd: sources };
    // Vendoring drops the mode bits, so the scripts are named to their interpreters.
    await runChild('chmod', ['+x', 'configure', 'lds-gen.py'], inSources);
    await runChild(
      './configure',
      ['--disable-gssapi', '--disable-ssl', '--disable-curl'],
      inSources,
    );
    await runChild('make', ['-j2', 'libs'], inSources);
    await runChild('make', ['-C', 'examples', 'rdkafka_performance'], inSources);
    const settings = readFileSync(join(sources, 'Makefile.config'), 'utf8');
    writeFileSync(join(folder, 'libraries'), /^LIBS\+=(.*)$/m.exec(settings)?.[1] ?? '-lpthread');
    cpSync(join(sources, 'src/rdkafka.h'), join(folder, 'rdkafka.h'));
    cpSync(join(sources, 'src/librdkafka.a'), join(folder, 'librdkafka.a'));
    cpSync(join(sources, 'examples/rdkafka_performance'), join(folder, 'rdkafka_performance'));
  } finally {
    removeFolder(work);
  }
}
