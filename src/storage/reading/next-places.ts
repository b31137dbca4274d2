// Where the last reads of a log have ended: a consumer that goes on from there needs no index and no search, so that
// each answer costs one read of the file in place of two (decision 34).

import { BATCH_HEADER_BYTES, BatchHeader } from '../../record/index.ts';
import { plausibleSize } from '../scan/batch-scan.ts';
import type { Segment } from '../segment/segment.ts';

/** Consumers of one log that go on in turns and are remembered. */
const PLACES_MAX = 8;
/** In longer answers, looking for the last batch costs more than it saves. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Where a batch lies. */
export interface BatchPlace {
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  /** The offset due there: less than the base offset only behind damage or in a gap. */
  readonly expected: number;
}

interface Known {
  readonly segment: Segment;
  readonly place: BatchPlace;
}

export class NextPlaces {
  readonly #places: Known[] = [];

  /** Remembers the batch that an answer from `position` on cut off, if enough of it was read to know it. */
  learn(segment: Segment, position: number, answer: Buffer): void {
    if (answer.length > ANSWER_BYTES_MAX) return;
    for (let at = 0; at + BATCH_HEADER_BYTES <= answer.length; ) {
      const bytes = plausibleSize(answer, at);
      if (bytes === 0) return;
      if (at > 0 && at + bytes > answer.length) {
        const { baseOffset, lastOffset, maxTimestamp } = new BatchHeader(answer, at);
        const expected = baseOffset;
        const place = { position: position + at, bytes, baseOffset, lastOffset, maxTimestamp };
        if (this.#places.length >= PLACES_MAX) this.#places.shift();
        this.#places.push({ segment, place: { ...place, expected } });
        return;
      }
      at += bytes;
    }
  }

  /** The batch that begins at `offset`, if it is known; it is known once. */
  take(segment: Segment, offset: number): BatchPlace | null {
    for (let index = this.#places.length - 1; index >= 0; index--) {
      const { segment: of, place } = this.#places[index] as Known;
      if (of !== segment || place.baseOffset !== offset) continue;
      this.#places.splice(index, 1);
      return place;
    }
    return null;
  }
}
