// Memory to read files into while walking them, used again and again: large buffers made anew cost more than the walks
// do, by their pages and by the collections that they wake (a restart that read 240 MB: 0.75 s of collecting).

const BYTES = 1024 * 1024;
const spare: Buffer[] = [];
const SPARE_MAX = 8;

/** Runs `work` with a megabyte of memory, of which nothing may be kept. */
export async function withScanMemory<T>(work: (memory: Buffer) => Promise<T>): Promise<T> {
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(BYTES);
  try {
    return await work(memory);
  } finally {
    if (spare.length < SPARE_MAX) spare.push(memory);
  }
}
