import { TidemarkError } from '../../base/errors.ts';

/**
 * Why a pass was given up; the log is as it was before. `damaged`: a batch's checksum does not match, the segment
 * needs `tidemark verify`. `map_too_small`: not even one batch's keys fit; raise `log.cleaner.dedupe.buffer.size`.
 * `stopped`: the runner was closed.
 */
export class CompactionError extends TidemarkError<'damaged' | 'map_too_small' | 'stopped'> {}
