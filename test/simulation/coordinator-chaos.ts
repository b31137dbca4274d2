// What the worlds of coordinators share: a log that stalls and fails, one that is only read, and a network that loses
// requests and answers. All on a virtual clock, drawn from a seed.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import type { CommandLog, Coordinator, LogEntry, LogRecord } from '../../src/coordinator/index.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';

/** Appends take time, in order; they may stall, fail unwritten, or fail although written. */
export class ChaosLog implements CommandLog {
  readonly entries: LogEntry[] = [];
  faults = true;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  #last: Promise<unknown> = Promise.resolve();
  #life = 0;

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  partitionCount(): number {
    return 1;
  }

  create(): Promise<number> {
    return Promise.resolve(1);
  }

  append(_partition: number, records: readonly LogRecord[]): Promise<void> {
    const life = this.#life;
    const random = this.#random;
    const stalls = this.faults && random.chance(0.02);
    const delayMs = stalls ? 500 + random.below(9_000) : 1 + random.below(10);
    const fate = this.faults ? random.next() : 1;
    const before = this.#last;
    const done = (async () => {
      await before;
      await sleep(this.#clock, delayMs);
      // The process that asked is gone, and so is what was not written yet.
      if (life !== this.#life) throw new KafkaError('NOT_COORDINATOR', 'crashed');
      if (fate >= 0.01) this.write(records);
      if (fate < 0.02) throw new KafkaError('KAFKA_STORAGE_ERROR', 'drawn to fail');
    })();
    this.#last = done.catch(() => undefined);
    return done;
  }

  private write(records: readonly LogRecord[]): void {
    for (const record of records) this.entries.push({ kind: 'record', record, transaction: null });
  }

  crash(): void {
    this.#life++;
    this.#last = Promise.resolve();
  }

  async *read(): AsyncIterable<LogEntry> {
    await sleep(this.#clock, this.faults ? this.#random.below(500) : 1);
    yield* [...this.entries];
  }

  /** What compaction may leave: the last record of each key. */
  compacted(): LogEntry[] {
    const byKey = new Map<string, LogEntry>();
    for (const entry of this.entries) {
      if (entry.kind !== 'record') continue;
      const key = entry.record.key.toString('latin1');
      byKey.delete(key);
      byKey.set(key, entry);
    }
    return [...byKey.values()];
  }
}

export function sleep(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });
}

/** A log with these entries, which takes no more. */
export function logOf(entries: readonly LogEntry[]): CommandLog {
  return {
    partitionCount: () => 1,
    create: () => Promise.resolve(1),
    append: () => Promise.reject(new Error('only for reading')),
    async *read() {
      yield* entries;
    },
  };
}

export type Outcome<T> =
  | { readonly answered: true; readonly response: T }
  | { readonly answered: false };

interface Link {
  readonly clock: VirtualClock;
  readonly faults: boolean;
  readonly coordinator: Coordinator;
}

/** One request: it or its answer may be lost, and the answer may be late. */
export async function overLossyLink<T>(
  link: Link,
  random: SeededRandom,
  send: (coordinator: Coordinator) => Promise<T>,
  timeoutMs: number,
): Promise<Outcome<T>> {
  const { clock, faults } = link;
  const lost = faults ? random.next() : 1;
  await sleep(clock, random.below(20));
  if (lost < 0.02) {
    await sleep(clock, timeoutMs);
    return { answered: false };
  }
  const late = sleep(clock, timeoutMs).then((): Outcome<T> => ({ answered: false }));
  const answer = send(link.coordinator).then(
    (response): Outcome<T> => ({ answered: true, response }),
  );
  const outcome = await Promise.race([answer, late]);
  if (lost < 0.05) return { answered: false };
  await sleep(clock, random.below(20));
  return outcome;
}
