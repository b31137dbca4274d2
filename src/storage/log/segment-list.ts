// The segments of one log, and what goes by them: the damage in them, what compaction left of them, and where the high
// watermark lies. What changes together changes in one call. Always so:
//   there is a last segment, each begins behind the one before it, and the high watermark lies in one of them.
// A call that would end this is refused with an AssertionError, and changes nothing.

import { assert } from '../../base/errors.ts';
import type { DamagedRange } from '../contract.ts';
import { CleanedSegments, type Swapped } from '../metadata/cleaned-segments.ts';
import { NO_OFFSET, type Segment } from '../segment/segment.ts';

/** What opening or recovering a log's directory finds there. */
export interface FoundSegments {
  /** At least one; the last is active. */
  readonly segments: readonly Segment[];
  readonly damaged: readonly DamagedRange[];
  /** What compaction left of segments; null when that is not known. */
  readonly cleaned: CleanedSegments | null;
}

export class SegmentList {
  #segments: Segment[] = [];
  #damaged: readonly DamagedRange[];
  #cleaned: CleanedSegments | null;
  /** Where the batch at the high watermark begins or will begin. */
  #watermarkSegment: Segment;
  #watermarkPosition: number;

  /** The high watermark is where the last segment ends. */
  constructor({ segments, damaged, cleaned }: FoundSegments) {
    this.#take([...segments]);
    this.#damaged = damaged;
    this.#cleaned = cleaned;
    this.#watermarkSegment = this.active;
    this.#watermarkPosition = this.active.size;
  }

  /** Oldest first. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1] as Segment;
  }

  get damaged(): readonly DamagedRange[] {
    return this.#damaged;
  }

  get cleaned(): CleanedSegments | null {
    return this.#cleaned;
  }

  /** Takes over other segments; the high watermark is where the last one ends. */
  install({ segments, damaged, cleaned }: FoundSegments): void {
    this.#take([...segments]);
    this.#damaged = damaged;
    this.#cleaned = cleaned;
    this.moveWatermark(this.active, this.active.size);
  }

  /** The segment is the active one from now on. */
  roll(segment: Segment): void {
    const { active } = this;
    assert(segment.baseOffset > active.baseOffset, 'a segment begins behind the one before it');
    active.followedBy(segment.baseOffset);
    this.#segments.push(segment);
  }

  /** The high watermark is at `position` of `segment`. */
  moveWatermark(segment: Segment, position: number): void {
    assert(this.holds(segment), 'the high watermark lies in a segment of the log');
    assert(position <= segment.written, 'the high watermark lies in what is written');
    this.#watermarkSegment = segment;
    this.#watermarkPosition = position;
  }

  /** Bytes of the segment that readers may see when `bytes` of it are good to read. */
  readable(segment: Segment, bytes: number): number {
    if (segment === this.#watermarkSegment) return Math.min(bytes, this.#watermarkPosition);
    return segment.baseOffset < this.#watermarkSegment.baseOffset ? bytes : 0;
  }

  addDamage(range: DamagedRange): void {
    this.#damaged = [...this.#damaged, range];
  }

  /** Puts what is left of a range in its place; false when it went meanwhile, with its segment or otherwise. */
  replaceDamage(range: DamagedRange, left: readonly DamagedRange[]): boolean {
    if (!this.#damaged.includes(range)) return false;
    this.#damaged = this.#damaged.flatMap((one) => (one === range ? left : [one]));
    return true;
  }

  /** Lets the oldest segments go. */
  dropOldest(count: number): readonly Segment[] {
    const going = this.#segments.slice(0, count);
    const staying = this.#segments.slice(count);
    const first = staying[0]?.baseOffset;
    assert(first !== undefined, 'the last segment stays');
    this.#take(staying);
    this.#damaged = this.#damaged.filter((range) => range.segmentBaseOffset >= first);
    this.#remove(going);
    return going;
  }

  /** Puts `made` in the place of the finished segments that a swap has replaced. */
  exchange(swapped: readonly Swapped[], made: readonly Segment[]): void {
    const replaced = new Set(swapped.flatMap(({ replaces }) => replaces));
    const going = this.#segments.filter(({ baseOffset }) => replaced.has(baseOffset));
    const staying = this.#segments.filter(({ baseOffset }) => !replaced.has(baseOffset));
    assert(staying.at(-1) === this.active, 'the last segment stays');
    this.#take([...staying, ...made].sort((a, b) => a.baseOffset - b.baseOffset));
    const present = this.#segments.map(({ baseOffset, size }) => ({ baseOffset, bytes: size }));
    this.#cleaned = (this.#cleaned ?? CleanedSegments.ofAll(present)).after(swapped, present);
    this.#damaged = this.#damaged.filter((range) => !replaced.has(range.segmentBaseOffset));
    this.#remove(going);
  }

  /** Whether the segment is of the log: it may have been dropped or exchanged, or the log been opened anew. */
  holds(segment: Segment): boolean {
    return this.#segments[this.indexFor(segment.baseOffset)] === segment;
  }

  /** Index of the segment that holds `offset`; 0 for an offset below all. */
  indexFor(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #take(segments: Segment[]): void {
    assert(segments.length > 0, 'a log has a last segment');
    for (const [index, { baseOffset }] of segments.entries()) {
      const before = segments[index - 1]?.baseOffset ?? Number.NEGATIVE_INFINITY;
      assert(baseOffset > before, 'a segment begins behind the one before it');
    }
    for (const [index, segment] of segments.entries()) {
      segment.followedBy(segments[index + 1]?.baseOffset ?? NO_OFFSET);
    }
    this.#segments = segments;
  }

  /** What goes was offered to readers: if the high watermark was in it, then at its end, where the next one begins. */
  #remove(going: readonly Segment[]): void {
    for (const segment of going) segment.remove();
    const at = this.#watermarkSegment;
    if (!at.removed) return;
    const behind = this.#segments.find(({ baseOffset }) => baseOffset > at.baseOffset);
    this.#watermarkSegment = behind as Segment;
    this.#watermarkPosition = 0;
  }
}
