// What a crawl does, in the terminal: rates, lag, services. As JSON a line for each look.

import type { CrawlState } from '../../../tools/crawler/index.ts';
import { type CliIo, paint } from '../io.ts';
import { plural } from '../topic-description.ts';
import type { KeptProcess } from './services.ts';

interface Look {
  readonly atMs: number;
  readonly state: CrawlState;
}

/** Rates are over so many looks. */
const WINDOW = 6;
const BAR_CELLS = 30;
/** Where nothing can be drawn over, a line comes so often. */
const LINE_MS = 5_000;

export class CrawlerView {
  readonly #io: CliIo;
  readonly #name: string;
  readonly #json: boolean;
  readonly #looks: Look[] = [];
  readonly #startedMs = performance.now();
  #lines = 0;
  #saidMs = performance.now();

  constructor(io: CliIo, name: string, { json, brokers }: { json: boolean; brokers: string }) {
    this.#io = io;
    this.#name = name;
    this.#json = json;
    if (!json) io.say(`crawl ${name} on ${brokers}; Ctrl-C ends it`);
  }

  /** Null: the broker does not answer just now. */
  async show(state: CrawlState | null, services: readonly KeptProcess[]): Promise<void> {
    if (state !== null) this.#looks.push({ atMs: performance.now(), state });
    if (this.#looks.length > WINDOW) this.#looks.shift();
    const processes = services.map(({ name, pid, restarts, lastWords }) => {
      return { name, pid, restarts, ...(lastWords !== null && { lastWords }) };
    });
    if (this.#json) {
      await this.#io.data(
        `${JSON.stringify({ name: this.#name, ...state, services: processes })}\n`,
      );
      return;
    }
    if (this.#io.wordsAreTerminal) this.#draw(state, services);
    else if (performance.now() >= this.#saidMs + LINE_MS) {
      this.#saidMs = performance.now();
      for (const line of this.#rows(state)) this.#io.say(line);
    }
  }

  /** `done`: nothing is left; else it was stopped. */
  async end(
    state: CrawlState | null,
    { done, outcomes }: { done: boolean; outcomes: ReadonlyMap<string, number> },
  ): Promise<void> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const { work = 0, pages = 0 } = state ?? {};
    if (this.#json) {
      const counts = { work, pages, seconds, outcomes: Object.fromEntries(outcomes) };
      await this.#io.data(`${JSON.stringify({ name: this.#name, done, ...counts })}\n`);
      return;
    }
    const whole = done ? '' : ', not finished';
    const words = [plural(pages, 'page'), plural(work, 'link')];
    this.#io.say(`${words.join(' from ')} in ${seconds.toFixed(1)} s${whole}`);
    for (const [outcome, count] of outcomes) this.#io.say(`  ${count} × ${outcome}`);
  }

  #rows(state: CrawlState | null): string[] {
    if (state === null) return [paint('yellow', 'the broker does not answer; waiting', 'words')];
    return [
      this.#row('work ', state.workDone, state.work, 'workDone'),
      this.#row('pages', state.pagesDone, state.pages, 'pagesDone'),
    ];
  }

  /** Lines that do not fit would break, or scroll away, and what is drawn next would not cover them. */
  #draw(state: CrawlState | null, services: readonly KeptProcess[]): void {
    const { columns = 80, rows = 24 } = process.stderr;
    const lines = this.#rows(state);
    for (const { name, pid, restarts, lastWords } of services) {
      const died = lastWords === null ? '' : `: ${lastWords}`;
      const again = restarts === 0 ? '' : `  started again ${restarts}×${died}`;
      const text = `  ${name.padEnd(14)} pid ${pid ?? '-'}`;
      const room = Math.max(0, columns - 1 - text.length);
      lines.push(`${text}${paint('red', again.slice(0, room), 'words')}`);
    }
    const more = lines.length - (rows - 1);
    if (more > 0) lines.splice(rows - 2, more + 1, `  … ${more + 1} more`);
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
    process.stderr.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#lines = lines.length;
  }

  #row(name: string, done: number, total: number, field: 'workDone' | 'pagesDone'): string {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    const spanMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
    const moved = (last?.state[field] ?? 0) - (first?.state[field] ?? 0);
    const rate = spanMs > 0 ? Math.round((1000 * moved) / spanMs) : 0;
    const words = `${done} of ${total}, lag ${total - done}, ${rate}/s`;
    if (!this.#io.wordsAreTerminal) return `${name.trim()} ${words}`;
    const cells = Math.min(BAR_CELLS, (process.stderr.columns ?? 80) - words.length - 8);
    if (cells < 5) return `${name} ${words}`;
    const filled = total === 0 ? 0 : Math.round((cells * done) / total);
    const bar = paint('green', '█'.repeat(filled), 'words') + '░'.repeat(cells - filled);
    return `${name} ${bar} ${words}`;
  }
}
