// An answer that will not be sent lets go of the files that it holds.

import { isFileRegion } from '../base/payload.ts';
import { type Api, Fetch, type ResponseInput } from '../protocol/index.ts';

/** Only a fetch answers with regions of files. */
export function dropAnswer(api: Pick<Api, 'key'>, response: object | null): void {
  if (response === null || api.key !== Fetch.key) return;
  const { responses = [] } = response as ResponseInput<typeof Fetch>;
  for (const { partitions = [] } of responses) {
    for (const { records } of partitions) {
      if (records != null && isFileRegion(records)) records.release();
    }
  }
}
