// What a crawl does, in the terminal: rates, lag, services. As JSON a line for each look.

import type { CrawlState } from '../../../tools/crawler/index.ts';
import { type CliIo, paint } from '../io.ts';
import type { KeptProcess } from './services.ts';

interface Look {
  readonly atMs: number;
  readonly state: CrawlState;
}

/** Rates are over so many looks. */
const WINDOW = 6;
const BAR_CELLS = 30;

export class CrawlerView {
  readonly #io: CliIo;
  readonly #name: string;
  readonly #json: boolean;
  readonly #looks: Look[] = [];
  readonly #startedMs = performance.now();
  #lines = 0;

  constructor(io: CliIo, name: string, json: boolean) {
    this.#io = io;
    this.#name = name;
    this.#json = json;
    if (!json) io.say(`crawl ${name}; Ctrl-C ends it`);
  }

  /** Null: the broker does not answer just now. */
  async show(state: CrawlState | null, services: readonly KeptProcess[]): Promise<void> {
    if (state !== null) this.#looks.push({ atMs: performance.now(), state });
    if (this.#looks.length > WINDOW) this.#looks.shift();
    const processes = services.map(({ name, pid, restarts }) => ({ name, pid, restarts }));
    if (this.#json) {
      await this.#io.data(
        `${JSON.stringify({ name: this.#name, ...state, services: processes })}\n`,
      );
      return;
    }
    if (!this.#io.wordsAreTerminal) return;
    this.#draw(state, services);
  }

  async end(state: CrawlState | null): Promise<void> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    if (this.#json) {
      const { work = 0, pages = 0 } = state ?? {};
      await this.#io.data(
        `${JSON.stringify({ name: this.#name, done: true, work, pages, seconds })}\n`,
      );
      return;
    }
    this.#io.say(
      `${state?.pages ?? 0} pages from ${state?.work ?? 0} links in ${seconds.toFixed(1)} s`,
    );
  }

  #draw(state: CrawlState | null, services: readonly KeptProcess[]): void {
    const lines: string[] = [];
    if (state === null) lines.push(paint('yellow', 'the broker does not answer; waiting', 'words'));
    else {
      lines.push(this.#row('work ', state.workDone, state.work, 'workDone'));
      lines.push(this.#row('pages', state.pagesDone, state.pages, 'pagesDone'));
    }
    for (const { name, pid, restarts } of services) {
      const again = restarts === 0 ? '' : paint('red', `  started again ${restarts}×`, 'words');
      lines.push(`  ${name.padEnd(14)} pid ${pid ?? '-'}${again}`);
    }
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
    process.stderr.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#lines = lines.length;
  }

  #row(name: string, done: number, total: number, field: 'workDone' | 'pagesDone'): string {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    const spanMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
    const moved = (last?.state[field] ?? 0) - (first?.state[field] ?? 0);
    const rate = spanMs > 0 ? Math.round((1000 * moved) / spanMs) : 0;
    const filled = total === 0 ? 0 : Math.round((BAR_CELLS * done) / total);
    const bar = paint('green', '█'.repeat(filled), 'words') + '░'.repeat(BAR_CELLS - filled);
    return `${name} ${bar} ${done} of ${total}, lag ${total - done}, ${rate}/s`;
  }
}
