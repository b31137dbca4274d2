// Shared by the codecs: loading an optional package, and the two errors that they all throw.

import { createRequire } from 'node:module';
import { KafkaError } from '../../base/kafka-errors.ts';
import { RecordError } from '../record-error.ts';

const load = createRequire(import.meta.url);

/**
 * The package's exports, or the error that loading it ended with. Synchronous, so that codecs need
 * no await.
 */
export function tryLoad(packageName: string): { module: unknown } | { error: unknown } {
  try {
    return { module: load(packageName) };
  } catch (error) {
    return { error };
  }
}

/**
 * As {@link tryLoad}, but a copy of our own of what lies in the folder of its entry: whatever others in the process do
 * with theirs, it does not reach us.
 */
export function tryLoadOwn(packageName: string): { module: unknown } | { error: unknown } {
  try {
    const { cache } = load;
    const folder = load.resolve(packageName).replace(/[^\\/]+$/, '');
    const take = (): [string, NodeJS.Module | undefined][] => {
      const loaded = Object.entries(cache).filter(([path]) => path.startsWith(folder));
      for (const [path] of loaded) delete cache[path];
      return loaded;
    };
    const theirs = take();
    try {
      return { module: load(packageName) };
    } finally {
      take();
      Object.assign(cache, Object.fromEntries(theirs));
    }
  } catch (error) {
    return { error };
  }
}

/** node:zlib, loaded with the first batch that needs it. */
export function zlib(): typeof import('node:zlib') {
  return load('node:zlib') as typeof import('node:zlib');
}

/** The answer when nothing on this machine can do a codec. */
export function codecMissing(codec: string, packageName: string, cause: unknown): KafkaError {
  return new KafkaError(
    'UNSUPPORTED_COMPRESSION_TYPE',
    `${codec} compression needs the package ${packageName}, which could not be loaded: ` +
      `npm install ${packageName}`,
    { cause },
  );
}

export function expandedTooLarge(codec: string, maxBytes: number): RecordError {
  const message = `${codec} data expands to more than the ${maxBytes} bytes allowed`;
  return new RecordError('expanded_too_large', message, { offset: -1, position: 0 });
}

export function corruptBlock(codec: string, message: string, position: number): RecordError {
  return new RecordError('corrupt_record', `${codec}: ${message}`, { offset: -1, position });
}
