// The broker's `log.cleaner.*` configs in the form that compaction works with.

import type { CleanerSettings } from '../storage/index.ts';
import type { ConfigStore } from './config-store.ts';

/** As they are now: most of them may change while the broker runs. */
export function cleanerSettings(store: ConfigStore): CleanerSettings {
  const bytesPerSecond = store.brokerNumber('log.cleaner.io.max.bytes.per.second');
  const limited = bytesPerSecond > 0 && bytesPerSecond < Number.MAX_SAFE_INTEGER;
  return {
    enable: store.broker('log.cleaner.enable') === true,
    threads: store.brokerNumber('log.cleaner.threads'),
    backoffMs: store.brokerNumber('log.cleaner.backoff.ms'),
    dedupeBufferBytes: store.brokerNumber('log.cleaner.dedupe.buffer.size'),
    bytesPerSecondMax: limited ? bytesPerSecond : null,
  };
}
