import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import {
  commitSwap,
  decodeSwap,
  encodeSwap,
  exchangeNames,
  isOfCompaction,
  removeReplaced,
  settleSwap,
} from '../../../../src/storage/compaction/swap-file.ts';
import { loadDamage, MemoryDisk, saveDamage } from '../../../../src/storage/index.ts';
import { capturedLog } from '../../../support/captured-log.ts';

const entries = [
  { baseOffset: 0, bytes: 5, replaces: [0, 10, 20] },
  { baseOffset: 30, bytes: -1, replaces: [30, 40] },
];
const place = (disk: MemoryDisk, logger = silentLogger) => ({ disk, directory: 't-0', logger });
const path = (base: number, suffix: string) => `t-0/${String(base).padStart(20, '0')}${suffix}`;

async function write(disk: MemoryDisk, name: string, text: string): Promise<void> {
  const file = await disk.open(name, 'create');
  await file.truncate(0);
  await file.write([Buffer.from(text)], 0);
}

async function read(disk: MemoryDisk, name: string): Promise<string> {
  const file = await disk.open(name, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  return String(bytes);
}

/** Five old segments, and the rewritten form of the first three. */
async function prepared(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory('t-0');
  for (const base of [0, 10, 20, 30, 40, 50]) {
    for (const suffix of ['.log', '.index', '.timeindex', '.snapshot']) {
      await write(disk, path(base, suffix), `old ${base}`);
    }
  }
  for (const suffix of ['.log', '.index', '.timeindex']) {
    await write(disk, `${path(0, suffix)}.cleaned`, 'new 0');
  }
  return disk;
}

const done = [
  ...['.index', '.log', '.snapshot', '.timeindex'].map((suffix) => path(0, suffix).slice(4)),
  ...['.index', '.log', '.snapshot', '.timeindex'].map((suffix) => path(50, suffix).slice(4)),
  'cleaned-segments',
];

test('the file is read back, and no bit of it may change', () => {
  const bytes = encodeSwap(entries);
  expect(decodeSwap(bytes)).toEqual(entries);
  expect(decodeSwap(null)).toBeNull();
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeSwap(bytes.subarray(0, length))).toBeNull();
  }
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeSwap(changed)).toBeNull();
  }
});

test('a committed swap is finished by whoever opens the directory', async () => {
  const disk = await prepared();
  await commitSwap(place(disk), entries);
  await settleSwap(place(disk));
  expect(await disk.list('t-0')).toEqual(done);
  expect(await read(disk, path(0, '.log'))).toBe('new 0');
  expect(await read(disk, path(50, '.log'))).toBe('old 50');
});

test('one that stopped after any rename is finished too', async () => {
  for (const renamed of [['.index'], ['.index', '.timeindex'], ['.index', '.timeindex', '.log']]) {
    const disk = await prepared();
    await commitSwap(place(disk), entries);
    for (const suffix of renamed) {
      await disk.rename(`${path(0, suffix)}.cleaned`, path(0, suffix));
    }
    await settleSwap(place(disk));
    expect(await disk.list('t-0')).toEqual(done);
    expect(await read(disk, path(0, '.log'))).toBe('new 0');
    await settleSwap(place(disk));
    expect(await disk.list('t-0')).toEqual(done);
  }
});

test('without a whole swap file the old segments stay and the new ones go', async () => {
  const disk = await prepared();
  const before = (await disk.list('t-0')).filter((name) => !isOfCompaction(name));
  await write(disk, path(0, '.swap'), String(encodeSwap(entries)).slice(0, -1));
  await settleSwap(place(disk));
  expect(await disk.list('t-0')).toEqual(before);
  expect(await read(disk, path(0, '.log'))).toBe('old 0');
});

test('a rewritten segment of the wrong size replaces nothing, nor does any after it', async () => {
  const disk = await prepared();
  const { lines, logger } = capturedLog();
  await write(disk, `${path(0, '.log')}.cleaned`, 'cut');
  expect(await exchangeNames(place(disk, logger), entries)).toEqual([]);
  expect(lines.some(({ level }) => level === 'error')).toBe(true);
  expect(await read(disk, path(0, '.log'))).toBe('old 0');
  const missing = await prepared();
  await missing.remove(`${path(0, '.log')}.cleaned`);
  await write(missing, path(0, '.log'), 'old, and longer');
  await commitSwap(place(missing), entries);
  await settleSwap(place(missing, logger));
  for (const base of [0, 10, 20, 30, 40]) {
    expect(await read(missing, path(base, '.log'))).toMatch(/^old/);
  }
});

test('damage noted in replaced segments is forgotten, other damage is not', async () => {
  const disk = await prepared();
  const damage = (base: number) => ({
    firstOffset: base,
    lastOffset: base + 1,
    segmentBaseOffset: base,
    position: 0,
    bytes: 10,
  });
  await saveDamage(disk, 't-0', [damage(10), damage(40), damage(50)]);
  await commitSwap(place(disk), entries);
  await settleSwap(place(disk));
  expect(await loadDamage(disk, 't-0')).toEqual([damage(50)]);
});

test('logs that are set aside stay whole under another name, and the swap is done all the same', async () => {
  const disk = await prepared();
  await commitSwap(place(disk), entries);
  const aside: string[] = [];
  const setAside = async (old: string): Promise<boolean> => {
    if ((await disk.stat(old)) === undefined) return false;
    aside.push(old);
    await disk.rename(old, `${old}.1.deleted`);
    return true;
  };
  const held = await exchangeNames({ ...place(disk), setAside }, entries);
  expect(aside).toEqual([path(0, '.log')]);
  await removeReplaced({ ...place(disk), setAside }, held);
  expect(aside).toEqual([0, 10, 20, 30, 40].map((base) => path(base, '.log')));
  for (const base of [0, 10, 20, 30, 40]) {
    expect(await read(disk, `${path(base, '.log')}.1.deleted`)).toBe(`old ${base}`);
  }
  expect(await read(disk, path(0, '.log'))).toBe('new 0');
  const left = (await disk.list('t-0')).filter((name) => !name.endsWith('.deleted'));
  expect(left.filter((name) => !isOfCompaction(name))).toEqual(done);
});

test('a crash between setting the old log aside and naming the new one loses neither', async () => {
  const disk = await prepared();
  await commitSwap(place(disk), entries);
  await disk.rename(path(0, '.log'), `${path(0, '.log')}.1.deleted`);
  await settleSwap(place(disk));
  expect(await read(disk, path(0, '.log'))).toBe('new 0');
});

test('when what was to take the place of a log set aside is cut, the log gets its name back', async () => {
  const disk = await prepared();
  const { lines, logger } = capturedLog();
  await commitSwap(place(disk), entries);
  for (const suffix of ['.index', '.timeindex']) {
    await disk.rename(`${path(0, suffix)}.cleaned`, path(0, suffix));
  }
  // Of an earlier pass, and of this one.
  await write(disk, `${path(0, '.log')}.9.deleted`, 'older');
  await disk.rename(path(0, '.log'), `${path(0, '.log')}.10.deleted`);
  await write(disk, `${path(0, '.log')}.cleaned`, 'cut');
  await settleSwap(place(disk, logger));
  expect(lines.some(({ level }) => level === 'error')).toBe(true);
  for (const base of [0, 10, 20, 30, 40]) {
    expect(await read(disk, path(base, '.log'))).toBe(`old ${base}`);
  }
  // These were of the new one: an index is built anew where there is none.
  const names = await disk.list('t-0');
  for (const suffix of ['.index', '.timeindex']) {
    expect(names).not.toContain(path(0, suffix).slice(4));
  }
});

test('when what was to take the place of a log set aside is gone, the log gets its name back', async () => {
  const disk = await prepared();
  const { lines, logger } = capturedLog();
  await commitSwap(place(disk), entries);
  await disk.rename(path(0, '.log'), `${path(0, '.log')}.1.deleted`);
  await disk.remove(`${path(0, '.log')}.cleaned`);
  await settleSwap(place(disk, logger));
  expect(lines.some(({ level }) => level === 'error')).toBe(true);
  for (const base of [0, 10, 20, 30, 40]) {
    expect(await read(disk, path(base, '.log'))).toBe(`old ${base}`);
  }
});

test('a log set aside stays away when retention has taken what came in its place', async () => {
  const disk = await prepared();
  await commitSwap(place(disk), entries);
  await disk.rename(path(0, '.log'), `${path(0, '.log')}.1.deleted`);
  await disk.rename(`${path(0, '.log')}.cleaned`, `${path(0, '.log')}.deleted`);
  await settleSwap(place(disk));
  const logs = (await disk.list('t-0')).filter((name) => name.endsWith('.log'));
  expect(logs).toEqual([path(50, '.log').slice(4)]);
});
