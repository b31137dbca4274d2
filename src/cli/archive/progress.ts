// A line of progress by offsets: how many, how fast, how long.

import { formatByteSize } from '../../base/byte-size.ts';
import { formatDuration } from '../../base/duration.ts';
import type { CliIo } from '../io.ts';

const EVERY_MS = 200;

export class OffsetProgress {
  readonly #io: CliIo;
  readonly #startedMs = performance.now();
  #shownMs = 0;
  #first: number | null = null;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** Shows `done` of `total` offsets, and the bytes so far; a few times a second at most. */
  show(done: number, total: number, bytes: number): void {
    const nowMs = performance.now();
    this.#first ??= done;
    if (!this.#io.wordsAreTerminal || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    const seconds = Math.max(0.001, (nowMs - this.#startedMs) / 1000);
    const rate = (done - this.#first) / seconds;
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const left =
      rate > 0 ? `, ${formatDuration(Math.ceil((total - done) / rate) * 1000)} left` : '';
    const size = formatByteSize(bytes);
    this.#io.progress(`${percent} %  ${done} of ${total}, ${size}, ${Math.round(rate)}/s${left}`);
  }
}
