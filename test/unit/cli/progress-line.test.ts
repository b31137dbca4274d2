// What a line of progress says, by a clock that the test moves.

import { expect, test } from 'vitest';
import { formatByteSize } from '../../../src/base/byte-size.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { ProgressLine } from '../../../src/cli/progress-line.ts';

function terminal(wordsAreTerminal = true): { lines: string[]; io: CliIo } {
  const lines: string[] = [];
  const io: CliIo = {
    data: () => Promise.resolve(),
    say: () => {},
    progress: (line) => lines.push(line),
    dataIsTerminal: false,
    wordsAreTerminal,
    inputIsTerminal: false,
  };
  return { lines, io };
}

test('it tells how much, how fast and how long, from where it began', () => {
  const { lines, io } = terminal();
  let nowMs = 5_000;
  const progress = new ProgressLine(io, formatByteSize, () => nowMs);
  // Half was there already: what an earlier run did says nothing about how fast this one is.
  progress.show(1024, 2048, 'a.log');
  nowMs += 1_000;
  progress.show(1280, 2048, 'b.log');
  progress.done();
  const half = '█'.repeat(12) + '░'.repeat(12);
  const more = '█'.repeat(15) + '░'.repeat(9);
  expect(lines).toEqual([
    `${half}  50%  1 KiB of 2 KiB, 0 B/s  a.log`,
    `${more}  62%  1.3 KiB of 2 KiB, 256 B/s, 3s left  b.log`,
    '',
  ]);
});

test('ten times a second at most, on a terminal only, and nothing is all of nothing', () => {
  const { lines, io } = terminal();
  let nowMs = 0;
  const progress = new ProgressLine(
    io,
    (count) => `${count} offsets`,
    () => nowMs,
  );
  for (; nowMs < 1_000; nowMs += 10) progress.show(0, 0, '12 KiB');
  expect(lines).toHaveLength(10);
  expect(lines[0]).toBe(`${'█'.repeat(24)} 100%  0 offsets of 0 offsets, 0 offsets/s  12 KiB`);
  const piped = terminal(false);
  new ProgressLine(piped.io, formatByteSize).show(1, 2, 'x');
  expect(piped.lines).toEqual([]);
});
