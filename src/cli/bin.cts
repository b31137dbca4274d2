#!/usr/bin/env node
// The entry of the command. libuv makes its thread pool at the first use, and loading an ES module is such a use
// (a size set in one is not seen any more). So this file is CommonJS, imports nothing, sets the size, looks
// which threads there are without the pool, and hands over.

const { readdirSync } = process.getBuiltinModule('node:fs');

// File writes, syncs and name look-ups wait in these threads; with Node's four a few slow syncs hold up all the rest.
const threads = Math.max(8, process.getBuiltinModule('node:os').availableParallelism());
process.env['UV_THREADPOOL_SIZE'] ??= String(threads);

// Compiled code is kept between starts where this Node can (22.1 and later): half of a start is compiling modules.
const modules = process.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown };
modules.enableCompileCache?.();

/** The threads that there are by now are V8's, which compile and collect. None where the system does not tell. */
function threadsOfV8(): readonly number[] {
  if (process.platform !== 'linux') return [];
  try {
    return readdirSync('/proc/self/task')
      .map(Number)
      .filter((thread) => thread !== process.pid);
  } catch {
    return [];
  }
}

const start = { args: process.argv.slice(2), v8Threads: threadsOfV8() };
void import('./main.ts').then(({ main }) => main(start));
