// What differs between any two brokers (ports, ids, clocks) is written as a symbol, so that the rest can be compared.

import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Fields that hold a broker's id; that of the only broker is written as a symbol. */
const nodeFields = new Set([
  'nodeId',
  'leaderId',
  'controllerId',
  'brokerId',
  'brokerIds',
  'replicaNodes',
  'isrNodes',
  'offlineReplicas',
  'eligibleLeaderReplicas',
  'lastKnownElr',
  'replicaId',
]);

/** Longer texts stand in the record by their length, in characters. */
const TEXT_MAX = 1_000;

const DAY_MS = 86_400_000;
const uuidText = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export class Normaliser {
  readonly #symbols = new Map<string, string>();
  readonly #producers = new Map<number, string>();
  readonly #sessions = new Map<number, string>();
  #port = -1;
  #node = -1;

  /** From here on the text is written as the symbol. */
  symbol(text: string, name: string): void {
    this.#symbols.set(text, name);
  }

  ownPort(port: number): void {
    this.#port = port;
  }

  ownNode(id: number): void {
    this.#node = id;
  }

  normalise(value: unknown, volatile: readonly string[]): Json {
    return this.#value(value, '', volatile);
  }

  #value(value: unknown, field: string, volatile: readonly string[]): Json {
    if (volatile.includes(field)) return Array.isArray(value) ? ['<volatile>'] : '<volatile>';
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean') return value;
    if (typeof value === 'bigint') return this.#number(Number(value), field);
    if (typeof value === 'number') return this.#number(value, field);
    if (typeof value === 'string') return this.#text(value, field);
    if (Buffer.isBuffer(value)) return bytesText(value);
    if (Array.isArray(value)) return value.map((item) => this.#value(item, field, volatile));
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, this.#value(inner, name, volatile)]),
    );
  }

  #number(value: number, field: string): Json {
    if (field === 'throttleTimeMs') return '<throttle>';
    if (field === 'port') return value === this.#port ? '<port>' : value;
    if (nodeFields.has(field) && value === this.#node) return '<node>';
    if (field === 'producerId' && value >= 0) {
      return numbered(this.#producers, value, 'producer');
    }
    if (field === 'sessionId' && value !== 0) return numbered(this.#sessions, value, 'session');
    // A clock's reading; the scenario's own timestamps lie years back.
    if (value > 1e12 && Math.abs(value - Date.now()) < DAY_MS) return '<now>';
    return value;
  }

  #text(value: string, field: string): Json {
    const known = this.#symbols.get(value);
    if (known !== undefined) return known;
    if (field === 'host') return value === '127.0.0.1' ? '<host>' : value;
    if (field === 'logDir') return '<directory>';
    if (value.length > TEXT_MAX) return `<${value.length} characters>`;
    return value.replace(uuidText, '<uuid>').replaceAll(`:${this.#port}`, ':<port>');
  }
}

/** Hexadecimal; long bytes by their start, length and hash. */
function bytesText(bytes: Buffer): string {
  if (bytes.length <= TEXT_MAX) return bytes.toString('hex');
  const hash = createHash('sha256').update(bytes).digest('hex');
  return `${bytes.toString('hex', 0, 61)}… (${bytes.length} bytes, SHA-256 ${hash})`;
}

function numbered(seen: Map<number, string>, value: number, name: string): string {
  const known = seen.get(value) ?? `<${name} ${seen.size + 1}>`;
  seen.set(value, known);
  return known;
}
