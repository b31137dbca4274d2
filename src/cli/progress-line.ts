// One line of progress on a terminal: a bar, how much, how fast, how long.

import { formatDuration } from '../base/duration.ts';
import { RecentRate } from '../base/recent-rate.ts';
import type { CliIo } from './io.ts';

const BAR_CELLS = 24;
const EVERY_MS = 100;

export class ProgressLine {
  readonly #io: CliIo;
  readonly #amountOf: (count: number) => string;
  readonly #nowMs: () => number;
  readonly #rate = new RecentRate();
  #shownMs = Number.NEGATIVE_INFINITY;

  /** `amountOf` writes a whole number of what is counted: `1.5 KiB`. `nowMs`: a clock that never goes back. */
  constructor(
    io: CliIo,
    amountOf: (count: number) => string,
    nowMs = (): number => performance.now(),
  ) {
    this.#io = io;
    this.#amountOf = amountOf;
    this.#nowMs = nowMs;
  }

  /** Shows `done` of `total`, ten times a second at most; `what` is said behind it. */
  show(done: number, total: number, what: string): void {
    const nowMs = this.#nowMs();
    if (!this.#io.wordsAreTerminal || nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(part * BAR_CELLS);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
    const percent = `${Math.floor(part * 100)}%`.padStart(4);
    const amount = `${this.#amountOf(done)} of ${this.#amountOf(total)}`;
    const rate = this.#rate.at(nowMs, done);
    const speed = `${this.#amountOf(Math.round(rate))}/s`;
    const leftMs = Math.ceil((total - done) / rate) * 1000;
    const left = rate > 0 ? `, ${formatDuration(leftMs)} left` : '';
    this.#io.progress(`${bar} ${percent}  ${amount}, ${speed}${left}  ${what}`);
  }

  /** Removes it. */
  done(): void {
    this.#io.progress('');
  }
}
