// Memory for the files of a measurement. The host of a virtual machine may take back memory that is not in use, and who
// has to get it again pays more for that than for all he does himself (measured: a file of zeros 0.17 s of CPU per GB
// with memory that is there, 2.4 without; producing 1 KiB records 0.8 and 2.8), which says nothing of who is measured.

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PIECE_BYTES = 1024 * 1024;
/** What costs more than it is worth. */
const BYTES_MAX = 4 * 1024 * 1024 * 1024;

/** Has the machine's memory ready for so many bytes of files, by a file in `directory` that does not stay. */
export function warmMemory(directory: string, bytes: number): void {
  const path = join(directory, `warm-${process.pid}`);
  const file = openSync(path, 'wx');
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    const end = Math.min(bytes, BYTES_MAX);
    for (let done = 0; done < end; done += piece.length) writeSync(file, piece);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
