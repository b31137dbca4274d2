// Checks of this machine: Node, threads, file descriptors, codecs, name look-up.

import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { textOfError } from '../../base/errors.ts';
import { nativeIo } from '../../host/native-io.ts';
import { takesShortSlices } from '../../host/own-process.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Node's version against what the package needs. Node 20 is past its end of life. */
export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const found = `${version} on ${process.platform} ${process.arch}`;
  if (major < 20 || (major === 20 && minor < 19)) {
    return fail('node', found, 'install Node 20.19 or later');
  }
  if (major === 20) {
    return warn(
      'node',
      found,
      'Node 20 gets no more security fixes since April 2026; take 22 or 24',
    );
  }
  return ok('node', found);
}

/** Size of libuv's pool, where file writes and syncs wait. */
export function checkThreadPool(): Check {
  const size = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  const found = `${size} threads for disk and name look-ups`;
  return size < 8
    ? warn('threads', found, 'unset UV_THREADPOOL_SIZE, or set it to 8 or more')
    : ok('threads', found);
}

/** Open files allowed, against the partitions there are (up to three files each, opened as needed). */
export function checkDescriptors(partitions: number): Check {
  const limit = descriptorLimit();
  if (limit === null) return ok('open files', 'the limit is not known on this system');
  const found = `${limit} allowed, ${partitions} partition${partitions === 1 ? '' : 's'} here`;
  const comfortable = partitions * 3 + 1_000;
  if (limit < 256) return fail('open files', found, 'raise it: ulimit -n 65536');
  if (limit < comfortable) {
    return warn(
      'open files',
      found,
      `files are closed and opened again in turn; better: ulimit -n ${
        2 ** Math.ceil(Math.log2(comfortable))
      }`,
    );
  }
  return ok('open files', found);
}

function descriptorLimit(): number | null {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(
      readFileSync('/proc/self/limits', 'utf8'),
    );
    if (line?.[1] === undefined) return null;
    return line[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(line[1]);
  } catch {
    return null;
  }
}

const accelerators = [
  ['crc32c', '@node-rs/crc32', 'checksums run in JavaScript, several times slower'],
  ['lz4', 'lz4-napi', 'lz4 batches cannot be read or written here'],
  ['snappy', 'snappy', 'snappy runs in JavaScript (snappyjs)'],
] as const;

/** Which native routines are installed, and what stands in for the others. */
export function checkAccelerators(): Check[] {
  const require = createRequire(import.meta.url);
  const checks = accelerators.map(([name, pack, without]) => {
    try {
      require(pack);
      return ok(name, `native (${pack})`);
    } catch {
      const advice = `install ${pack}; it needs no build, perhaps --omit=optional left it out`;
      return warn(name, without, advice);
    }
  });
  const zlib = require('node:zlib') as { zstdCompressSync?: unknown };
  const native = zlib.zstdCompressSync !== undefined;
  checks.push(
    ok('zstd', native ? 'native (Node)' : 'WebAssembly (Node 22.15 and later have it built in)'),
  );
  return checks;
}

/** Whether stored records go to consumers without passing through memory. */
export function checkZeroCopy(): Check {
  const io = nativeIo();
  if (!('reason' in io)) return ok('zero copy', 'sendfile, through koffi');
  const advice = {
    platform: null,
    missing: 'install koffi; it needs no build, perhaps --omit=optional left it out',
    kernel: 'take Linux 6.5 or later, and a container runtime that lets cachestat(2) through',
  }[io.lacks];
  const found = `answers are read and written, at twice the processor time: ${io.reason}`;
  return advice === null ? ok('zero copy', found) : warn('zero copy', found, advice);
}

/** Whether a broker here goes on soon after it was woken, when others want the processor too. Asked of this process. */
export function checkTimeSlices(): Check {
  const io = nativeIo();
  const shortens = !('reason' in io) && takesShortSlices(io, process.pid);
  const found = shortens
    ? 'short: a broker goes on at once when it is woken'
    : 'as everybody has them (Linux 6.12 and later, with koffi, gives shorter ones)';
  return ok('time slices', found);
}

/** What `localhost` means here: clients that take ::1 must find the broker there too. */
export async function checkLocalhost(): Promise<Check> {
  try {
    const found = await lookup('localhost', { all: true });
    const addresses = found.map((one) => one.address).join(', ');
    return found.some((one) => one.address === '127.0.0.1')
      ? ok('localhost', addresses)
      : warn('localhost', addresses, 'use 127.0.0.1, or add it to the hosts file');
  } catch (error) {
    const why = textOfError(error);
    return warn('localhost', `cannot be looked up: ${why}`, 'use 127.0.0.1 instead of localhost');
  }
}
