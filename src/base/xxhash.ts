// The one door to xxhash-wasm: partitioner `xxhash64`, the key map of compaction, checksums of our
// own files.

/** 64-bit xxHash of bytes. */
export interface XxHash64 {
  /** Hash as a bigint, 0 to 2⁶⁴−1. */
  hash(bytes: Uint8Array, seed?: bigint): bigint;
}

let loading: Promise<XxHash64> | undefined;

/**
 * Starts the WebAssembly module, once for the process; loaded on first use since most runs need no
 * hash.
 */
export function loadXxHash64(): Promise<XxHash64> {
  loading ??= start();
  return loading;
}

async function start(): Promise<XxHash64> {
  const { default: xxhash } = await import('xxhash-wasm');
  const api = await xxhash();
  return { hash: (bytes, seed = 0n) => api.h64Raw(bytes, seed) };
}
