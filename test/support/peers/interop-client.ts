// What the interop tests ask of each client, whoever wrote it and in whatever language.

import type { Codec } from '../../../src/record/index.ts';
import type { Tool } from './require-tool.ts';

export interface InteropRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  /** Names and values as text; the tools print them so. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Milliseconds; undefined leaves it to the client's clock. */
  readonly timestamp: number | undefined;
}

/** A record as a client gave it back. */
export interface ReadRecord extends InteropRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
}

export interface ProduceTask {
  readonly bootstrap: string;
  readonly topic: string;
  readonly codec: Codec;
  readonly records: Iterable<InteropRecord>;
}

export interface ConsumeTask {
  readonly bootstrap: string;
  readonly topic: string;
  /** How many records are in the topic. A client that can see the end on its own reads on to it. */
  readonly count: number;
  readonly onRecord: (record: ReadRecord) => void;
}

export interface InteropClient {
  readonly name: 'kcat' | 'java' | 'kafkajs' | 'platformatic';
  readonly tool: Tool;
  readonly codecs: readonly Codec[];
  /** What its producer can carry. */
  readonly can: {
    /** Values with newlines. */
    readonly manyLines: boolean;
    readonly timestamps: boolean;
    readonly headersPerRecord: boolean;
    readonly tombstones: boolean;
  };
  /** Sends all, keyed by murmur2 as the Java client does, acks=all, in order. */
  readonly produce: (task: ProduceTask) => Promise<void>;
  /** Reads the topic from the start, every partition in order. */
  readonly consume: (task: ConsumeTask) => Promise<void>;
}

/** The constant headers of a client that cannot set them for each record. */
export const fixedHeaders: InteropRecord['headers'] = [
  ['origin', 'kcat'],
  ['kind', 'text'],
];
