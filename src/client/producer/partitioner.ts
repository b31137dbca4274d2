// Which partition a record goes to.

import { partitionForKey } from '../../base/murmur2.ts';
import { loadXxHash64, type XxHash64 } from '../../base/xxhash.ts';
import { ClientError } from '../errors.ts';

/** Where a record goes: a partition from 0 to `partitionCount` − 1, or null to be put where there is room. */
export type PartitionFunction = (record: {
  readonly topic: string;
  /** As bytes; null without a key. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly partitionCount: number;
}) => number | null;

/** `murmur2` puts keys where Java's clients put them; `xxhash64` is faster, for topics that only we write. */
export type Partitioner = 'murmur2' | 'xxhash64' | PartitionFunction;

/** The function behind an option. Resolves at once but for `xxhash64`, whose code loads first. */
export function partitionFunction(
  given: Partitioner,
): PartitionFunction | Promise<PartitionFunction> {
  if (typeof given === 'function') return given;
  switch (given) {
    case 'murmur2':
      return byMurmur2;
    case 'xxhash64':
      return loadXxHash64().then(byXxHash64);
    default: {
      const text = `there is no partitioner '${String(given)}': murmur2, xxhash64 or a function`;
      throw new ClientError('invalid_option', text);
    }
  }
}

const byMurmur2: PartitionFunction = ({ key, partitionCount }) =>
  key === null ? null : partitionForKey(key, partitionCount);

function byXxHash64(hash: XxHash64): PartitionFunction {
  return ({ key, partitionCount }) =>
    key === null ? null : Number(hash.hash(key) % BigInt(partitionCount));
}
