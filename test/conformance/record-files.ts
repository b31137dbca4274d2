// The record on disk: record/<part>.jsonl, one exchange per line, so that a change shows as the lines it touches.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenario } from './record-scenario.ts';
import type { Exchange } from './recorder.ts';

const folder = join(import.meta.dirname, 'record');

function pathOf(part: string): string {
  return join(folder, `${part}.jsonl`);
}

/** All that Apache Kafka answered, in the scenario's order. */
export function readRecord(): Exchange[] {
  return Object.keys(scenario).flatMap((part) =>
    readFileSync(pathOf(part), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Exchange),
  );
}

export function writeRecord(exchanges: readonly Exchange[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [part, steps] of Object.entries(scenario)) {
    const names = new Set(steps.map((step) => step.name));
    const lines = exchanges.filter((one) => names.has(one.step)).map((one) => JSON.stringify(one));
    writeFileSync(pathOf(part), `${lines.join('\n')}\n`);
  }
}
