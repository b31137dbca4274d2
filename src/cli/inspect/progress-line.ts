// One line of progress on a terminal: a bar, how much, how fast, how long.

import { formatByteSize } from '../../base/byte-size.ts';
import type { CliIo } from '../io.ts';

const BAR_CELLS = 24;
const EVERY_MS = 100;

export class ProgressLine {
  readonly #io: CliIo;
  readonly #startedMs = performance.now();
  #shownMs = 0;

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** Shows `done` of `total` bytes, ten times a second at most. */
  show(what: string, done: number, total: number): void {
    const now = performance.now();
    if (!this.#io.wordsAreTerminal || now - this.#shownMs < EVERY_MS) return;
    this.#shownMs = now;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const filled = Math.round(part * BAR_CELLS);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
    const seconds = (now - this.#startedMs) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const left = rate > 0 ? Math.ceil((total - done) / rate) : 0;
    const amount = `${formatByteSize(done)} of ${formatByteSize(total)}`;
    const speed = `${formatByteSize(Math.round(rate))}/s, ${left} s left`;
    const percent = `${Math.floor(part * 100)}%`.padStart(4);
    this.#io.progress(`${bar} ${percent}  ${amount}, ${speed}  ${what}`);
  }

  done(): void {
    this.#io.progress('');
  }
}
