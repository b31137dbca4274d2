// Shared by the tests of archives: a file imported into a topic.

import {
  type ImportOptions,
  type ImportResult,
  importArchive,
  openArchiveSource,
  openTextSource,
} from '../../../tools/archive/index.ts';

/** Into topic `to`, offsets kept, unless the options say otherwise. NDJSON and CSV are told by the end of the name. */
export async function importFile(
  path: string,
  to: string,
  options: Pick<ImportOptions, 'cluster'> & Partial<ImportOptions>,
): Promise<ImportResult> {
  const text = path.endsWith('ndjson') ? 'ndjson' : path.endsWith('csv') ? 'csv' : null;
  const source = await (text === null ? openArchiveSource(path) : openTextSource(path, text));
  try {
    return await importArchive({
      source,
      topicOf: () => to,
      offsets: 'keep',
      fillGaps: false,
      resume: false,
      create: true,
      partitions: null,
      signal: new AbortController().signal,
      ...options,
    });
  } finally {
    await source.close();
  }
}
