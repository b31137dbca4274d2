// One run of `tidemark produce`: lines go to the producer, what became of them is counted and told.

import { formatByteSize } from '../../base/byte-size.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import type { Producer, RecordMetadata } from '../../client/index.ts';
import { CliError, ExitCode, exitCodeOf, messageOf, nextStepOf } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { untilAborted } from '../stop-signal.ts';
import { plural } from '../topic-description.ts';
import type { TypedRecord } from '../typed-records.ts';

/** Input that never lets up leaves the event loop, and so signals and answers, no turn by itself. */
const LINES_A_TURN = 1_000;

interface PartitionSummary {
  records: number;
  firstOffset: number;
  lastOffset: number;
}

export interface RunOptions {
  readonly topic: string;
  readonly quiet: boolean;
  /** Somebody types the lines: nothing is drawn over them. */
  readonly typed: boolean;
  readonly rate: number | null;
  /** Each line is a JSON document. */
  readonly json: boolean;
  /** Ends the run: nothing more is read. */
  readonly stop: AbortSignal;
}

/** One run: feeds the producer, counts what is acknowledged, shows progress. */
export class ProduceRun {
  readonly #io: CliIo;
  readonly #producer: Producer<'buffer', 'buffer'>;
  readonly #options: RunOptions;
  readonly #partitions = new Map<number, PartitionSummary>();
  readonly #startedMs = performance.now();
  /** By the length of the record: what hears that it is lost. */
  readonly #losses = new Map<number, (error: Error) => void>();
  #read = 0;
  /** Of all records but those that were lost. */
  #bytes = 0;
  #acknowledged = 0;
  #failed = 0;
  #failure: Error | null = null;
  #nextProgressMs = 0;

  constructor(io: CliIo, producer: Producer<'buffer', 'buffer'>, options: RunOptions) {
    this.#io = io;
    this.#producer = producer;
    this.#options = options;
  }

  /** Sends every line; stops reading at the first failure. Everything taken is answered at the end. */
  async all(lines: AsyncIterable<Buffer>, toRecord: (line: Buffer) => TypedRecord): Promise<void> {
    const { stop } = this.#options;
    try {
      for await (const line of untilAborted(lines, stop)) {
        this.#read += 1;
        if (this.#read % LINES_A_TURN === 0) await new Promise(setImmediate);
        if (this.#options.json && isBlank(line)) continue;
        const room = this.#add(line, toRecord);
        if (this.#failure !== null) break;
        if (!room) await this.#producer.drained();
        if (this.#options.rate !== null) await this.#pace(this.#options.rate);
        this.#progress();
      }
      if (stop.aborted) this.#failure ??= new CliError(ExitCode.interrupted, 'interrupted');
    } finally {
      await this.#producer.close();
      this.#io.progress('');
    }
  }

  async report(json: boolean): Promise<void> {
    const { topic } = this.#options;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const partitions = [...this.#partitions].sort(([a], [b]) => a - b);
    if (json) {
      const document = {
        topic,
        records: this.#acknowledged,
        failed: this.#failed,
        bytes: this.#bytes,
        seconds: Number(seconds.toFixed(3)),
        partitions: partitions.map(([partition, summary]) => ({ partition, ...summary })),
      };
      await this.#io.data(`${JSON.stringify(document)}\n`);
    } else if (!this.#options.quiet) {
      this.#io.say(`${this.#words(seconds)} → ${topic}`);
    }
    if (this.#failure === null) return;
    const notSent = this.#failed > 0 ? ` (${plural(this.#failed, 'record')} not acknowledged)` : '';
    if (notSent === '') throw this.#failure;
    const message = `${messageOf(this.#failure)}${notSent}`;
    const code = exitCodeOf(this.#failure);
    const step = code === ExitCode.interrupted ? STOPPED_STEP : stepAfter(this.#failure);
    throw new CliError(code, message, step, { cause: this.#failure });
  }

  /** False: the producer has no room for another. */
  #add(line: Buffer, toRecord: (line: Buffer) => TypedRecord): boolean {
    try {
      const record = toRecord(line);
      const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
      const placed = { topic: this.#options.topic, ...record };
      const room = this.#producer.enqueue(placed, this.#landed, this.#lost(bytes));
      this.#bytes += bytes;
      return room;
    } catch (error) {
      const what = this.#options.json ? 'line' : 'record';
      const message = `${what} ${this.#read}: ${messageOf(error)}`;
      // Of a command that was typed wrongly nothing is done; here records went out before.
      const code = this.#read > 1 ? ExitCode.error : exitCodeOf(error);
      this.#failure ??= new CliError(code, message, stepAfter(error), {
        cause: error,
      });
      return true;
    }
  }

  /** One function for all records of a length, not one each: many may be on their way. */
  #lost(bytes: number): (error: Error) => void {
    let lost = this.#losses.get(bytes);
    if (lost === undefined) {
      lost = (error) => {
        this.#failed += 1;
        this.#bytes -= bytes;
        this.#failure ??= error;
      };
      this.#losses.set(bytes, lost);
    }
    return lost;
  }

  readonly #landed = (landed: RecordMetadata): void => {
    this.#acknowledged += 1;
    const summary = this.#partitions.get(landed.partition);
    if (summary === undefined) {
      const { offset } = landed;
      this.#partitions.set(landed.partition, {
        records: 1,
        firstOffset: offset,
        lastOffset: offset,
      });
    } else {
      summary.records += 1;
      summary.lastOffset = landed.offset;
    }
  };

  /** Keeps to `--rate` by waiting until this record is due. */
  async #pace(rate: number): Promise<void> {
    const aheadMs = (this.#read / rate) * 1000 - (performance.now() - this.#startedMs);
    if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }

  #progress(): void {
    const { quiet, typed } = this.#options;
    if (quiet || typed || !this.#io.wordsAreTerminal) return;
    const nowMs = performance.now();
    if (nowMs < this.#nextProgressMs) return;
    this.#nextProgressMs = nowMs + 200;
    this.#io.progress(this.#words((nowMs - this.#startedMs) / 1000));
  }

  #words(seconds: number): string {
    const rate = Math.round(this.#acknowledged / Math.max(seconds, 0.001));
    const bytes = formatByteSize(this.#bytes);
    return `${plural(this.#acknowledged, 'record')}, ${bytes} in ${seconds.toFixed(1)} s (${rate}/s)`;
  }
}

function isBlank(line: Buffer): boolean {
  return line.length < 100 && line.toString('latin1').trim() === '';
}

/** That there is the topic was seen at the start: what is unknown by now is a partition. */
function stepAfter(error: unknown): string | null {
  return isUnknown(error) ? PARTITION_STEP : nextStepOf(error);
}

const STOPPED_STEP =
  'what is not acknowledged may be written all the same: look at the end of the topic before you send it again';

const PARTITION_STEP =
  'leave the partition out (of JSON lines: jq -c "del(.partition)"), or "tidemark topic alter NAME -p COUNT"';

/** That there is no such topic, or no such partition of it. */
export function isUnknown(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION';
}
