import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeDisk } from '../../../src/host/node-disk.ts';
import { PromptReads } from '../../../src/host/prompt-reads.ts';

describe('reads on the event loop', () => {
  test('happen while a start is waited for, short ones, for a few milliseconds a turn', async () => {
    const reads = new PromptReads();
    expect(reads.allows(0, 0)).toBe(false);
    reads.begin();
    expect(reads.allows(4096, 0)).toBe(true);
    expect(reads.allows(16 * 1024 * 1024, 0)).toBe(false);
    expect(reads.allows(4096, 100)).toBe(false);
    await nextTurn();
    expect(reads.allows(4096, 100)).toBe(true);
    reads.end();
    expect(reads.allows(4096, 100)).toBe(false);
  });

  test('go to the pool for a while when one had to wait for the disk', async () => {
    const reads = new PromptReads();
    reads.begin();
    reads.done(0, 50);
    expect(reads.allows(0, 51)).toBe(false);
    await nextTurn();
    expect(reads.allows(0, 1000)).toBe(true);
  });
});

describe('a disk that starts answers as it does later', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tidemark-prompt-'));
    mkdirSync(join(root, 'topic-0'));
    writeFileSync(join(root, 'topic-0', 'b'), 'some bytes');
    writeFileSync(join(root, 'topic-0', 'a'), '');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function look(disk: NodeDisk): Promise<unknown[]> {
    const into = Buffer.alloc(20);
    const file = await disk.open('topic-0/b', 'read');
    const seen: unknown[] = [
      await file.size(),
      await file.read(into, 5),
      into.toString('latin1', 0, 5),
      await file.read(into, 100),
      await file.read(Buffer.alloc(0), 0),
    ];
    await file.close();
    await file.close();
    seen.push(
      await file.read(into, 0).catch((error: unknown) => error),
      await file.size().catch((error: unknown) => error),
      await disk.list('topic-0'),
      await disk.list('no such folder'),
      await disk.stat('topic-0'),
      await disk.stat('topic-0/b'),
      await disk.stat('topic-0/b/c'),
      await disk.open('topic-0/c', 'read').catch((error: unknown) => error),
      await disk.open('topic-0', 'write').catch((error: unknown) => error),
    );
    return seen;
  }

  test('values and errors', async () => {
    const disk = new NodeDisk(root);
    const starting = await disk.whileStarting(() => look(disk));
    expect(starting).toEqual(await look(disk));
    expect(starting.slice(0, 5)).toEqual([10, 5, 'bytes', 0, 0]);
  });

  test('the event loop has its turns', async () => {
    const disk = new NodeDisk(root);
    let turns = 0;
    const count = (): void => {
      turns++;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    await disk.whileStarting(async () => {
      const endMs = performance.now() + 50;
      while (performance.now() < endMs) await disk.stat('topic-0');
    });
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(1);
  });
});
