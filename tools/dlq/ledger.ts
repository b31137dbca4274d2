// Which letters are settled. A log is not cut in its middle, so letters stay where they are, and a compacted topic
// remembers what became of them: for each block of offsets of a partition the ranges that were redriven or discarded.

import type { Cluster } from '../../src/client/index.ts';
import { KeyValueTopic } from '../replay/index.ts';

/** The topic of the ledger. */
export const LEDGER_TOPIC = '__tidemark_dlq';

export type Settlement = 'redriven' | 'discarded';
export type LetterState = Settlement | 'pending';

/** A letter's place. */
export interface LetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Offsets of one record of the ledger: so few that it stays small however ranges are torn. */
const BLOCK_OFFSETS = 10_000;

type Entry = Readonly<Record<Settlement, string>>;

/** What became of letters. */
export class Ledger {
  readonly #topic: KeyValueTopic;
  readonly #blocks = new Map<string, Map<number, Settlement>>();

  constructor(cluster: Cluster) {
    this.#topic = new KeyValueTopic(cluster, LEDGER_TOPIC);
  }

  /** Reads what is known. Call it before the others. */
  async load(): Promise<void> {
    this.#blocks.clear();
    for (const [key, value] of await this.#topic.read()) {
      const block = new Map<number, Settlement>();
      const entry = value as Entry;
      for (const state of ['redriven', 'discarded'] as const) {
        for (const offset of offsetsOf(entry[state])) block.set(offset, state);
      }
      this.#blocks.set(key, block);
    }
  }

  stateOf(letter: LetterPlace): LetterState {
    return this.#blocks.get(keyOf(letter))?.get(letter.offset) ?? 'pending';
  }

  /** Settles letters; resolves when that is safe. */
  async settle(letters: readonly LetterPlace[], state: Settlement): Promise<void> {
    const changed = new Map<string, Map<number, Settlement>>();
    for (const letter of letters) {
      const key = keyOf(letter);
      const block = this.#blocks.get(key) ?? new Map<number, Settlement>();
      block.set(letter.offset, state);
      this.#blocks.set(key, block);
      changed.set(key, block);
    }
    await this.#topic.write([...changed].map(([key, block]) => [key, entryOf(block)] as const));
  }

  /** Makes the topic where it is missing. */
  prepare(): Promise<void> {
    return this.#topic.prepare();
  }
}

function keyOf({ topic, partition, offset }: LetterPlace): string {
  return `${topic}/${partition}/${Math.floor(offset / BLOCK_OFFSETS)}`;
}

function entryOf(block: ReadonlyMap<number, Settlement>): Entry {
  const of = (state: Settlement): string =>
    rangesOf([...block].filter(([, one]) => one === state).map(([offset]) => offset));
  return { redriven: of('redriven'), discarded: of('discarded') };
}

/** `0-5,9`: ascending, each range with its ends. */
function rangesOf(offsets: number[]): string {
  const ranges: string[] = [];
  offsets.sort((a, b) => a - b);
  for (let at = 0; at < offsets.length; ) {
    const from = offsets[at] ?? 0;
    let to = from;
    at += 1;
    while (offsets[at] === to + 1) {
      to += 1;
      at += 1;
    }
    ranges.push(from === to ? `${from}` : `${from}-${to}`);
  }
  return ranges.join(',');
}

function* offsetsOf(ranges: string): Generator<number, void, undefined> {
  for (const range of ranges.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) continue;
    const from = Number(match[1]);
    const to = Math.min(Number(match[2] ?? from), from + BLOCK_OFFSETS);
    for (let offset = from; offset <= to; offset++) yield offset;
  }
}
