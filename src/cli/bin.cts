#!/usr/bin/env node
// The entry of the command. libuv makes its thread pool at the first use, and loading an ES module is such a use
// (measured: the size set in one is not seen any more). So this file is CommonJS, imports nothing, sets the size and
// hands over.

// File writes, syncs and name look-ups wait in these threads; with Node's four a few slow syncs hold up all the rest.
const threads = Math.max(8, process.getBuiltinModule('node:os').availableParallelism());
process.env['UV_THREADPOOL_SIZE'] ??= String(threads);

// Compiled code is kept between starts where this Node can (22.1 and later): half of a start is compiling modules.
const modules = process.getBuiltinModule('node:module') as { enableCompileCache?: () => unknown };
modules.enableCompileCache?.();

// The threads that there are by now are V8's, which compile and collect beside the event loop. In a broker's own process
// they are less urgent than those that serve requests (src/host/own-process.ts does the rest).
if (process.argv[2] === 'serve' && process.platform === 'linux') {
  try {
    const { getPriority, setPriority } = process.getBuiltinModule('node:os');
    // Than the event loop, whatever `nice` the process was started under; 19 is the end of the scale.
    const lessUrgent = Math.min(19, getPriority() + 10);
    for (const thread of process.getBuiltinModule('node:fs').readdirSync('/proc/self/task')) {
      if (Number(thread) !== process.pid) setPriority(Number(thread), lessUrgent);
    }
  } catch {
    // One has ended meanwhile, or the system does not allow it: all the same to what the broker does.
  }
}

void import('./main.ts').then(({ main }) => main(process.argv.slice(2)));
