// Ranges of damage held against each other.

import type { Logger } from '../../base/ports.ts';
import type { DamagedRange } from '../contract.ts';

type Offsets = Pick<DamagedRange, 'firstOffset' | 'lastOffset'>;

/** Whether everything that the range lost is lost with the other one. */
export function isWithin(range: Offsets, other: Offsets): boolean {
  return range.firstOffset >= other.firstOffset && range.lastOffset <= other.lastOffset;
}

/** Whether there are offsets that both hold. */
export function overlaps(range: Offsets, other: Offsets): boolean {
  return range.firstOffset <= other.lastOffset && range.lastOffset >= other.firstOffset;
}

/** Whether two lists tell the same. */
export function sameDamage(one: readonly DamagedRange[], other: readonly DamagedRange[]): boolean {
  return one.length === other.length && one.every((range, at) => isSame(range, other[at]));
}

function isSame(range: DamagedRange, other: DamagedRange | undefined): boolean {
  return (
    range.firstOffset === other?.firstOffset &&
    range.lastOffset === other.lastOffset &&
    range.segmentBaseOffset === other.segmentBaseOffset &&
    range.position === other.position &&
    range.bytes === other.bytes
  );
}

/** Who was told that a range is damaged is told that all or some of it is good. */
export function tellGood(logger: Logger, log: string, range: DamagedRange, all: boolean): void {
  const { firstOffset, lastOffset } = range;
  const offsets = `offsets ${firstOffset} to ${lastOffset}, noted as damaged before,`;
  logger.warn({ log, ...range }, `${log}: ${offsets} are ${all ? '' : 'in part '}good and served`);
}
