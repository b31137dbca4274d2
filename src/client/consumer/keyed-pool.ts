// Work side by side, up to a number, with the order kept in each lane.

/** A task that never rejects. */
type Task = () => Promise<void>;

export class KeyedPool {
  readonly #concurrency: number;
  readonly #roomFor: number;
  /** What waits in lanes that are at work. */
  readonly #lanes = new Map<string, Task[]>();
  /** Lanes that wait for a place. */
  readonly #ready: { readonly lane: string; readonly task: Task }[] = [];
  #running = 0;
  #added = 0;
  #wake: (() => void)[] = [];

  /** `roomFor`: tasks, running and waiting, from which on {@link room} waits. */
  constructor(concurrency: number, roomFor: number) {
    this.#concurrency = concurrency;
    this.#roomFor = roomFor;
  }

  /** Tasks that were added and are not done. */
  get size(): number {
    return this.#added;
  }

  /** Runs the task after those before it in its lane. */
  add(lane: string, task: Task): void {
    this.#added += 1;
    const queue = this.#lanes.get(lane);
    if (queue !== undefined) {
      queue.push(task);
      return;
    }
    this.#lanes.set(lane, []);
    this.#ready.push({ lane, task });
    this.#start();
  }

  /** Resolves when another task may be added. */
  async room(): Promise<void> {
    while (this.#added >= this.#roomFor) await this.#change();
  }

  /** Resolves when nothing is left. */
  async idle(): Promise<void> {
    while (this.#added > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #start(): void {
    while (this.#running < this.#concurrency) {
      const next = this.#ready.shift();
      if (next === undefined) return;
      this.#running += 1;
      void next.task().finally(() => this.#done(next.lane));
    }
  }

  #done(lane: string): void {
    this.#running -= 1;
    this.#added -= 1;
    const queue = this.#lanes.get(lane);
    const task = queue?.shift();
    if (task === undefined) this.#lanes.delete(lane);
    else this.#ready.push({ lane, task });
    this.#start();
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}
