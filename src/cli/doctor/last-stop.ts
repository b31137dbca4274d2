// Checks of what is inside a data directory: who has it, how the last stop went, what was damaged.

import { stat } from 'node:fs/promises';
import { dataDirectoryLock } from '../../host/data-lock.ts';
import { NodeDisk } from '../../host/node-disk.ts';
import { loadDamage, loadMarks } from '../../storage/index.ts';
import { messageOf } from '../exit-codes.ts';
import { type Check, ok, warn } from './check.ts';

/** Takes the lock for a moment, and reads the marks while it has it. Nothing is said of a directory without data. */
export async function checkContents(directory: string, inUseByBroker: boolean): Promise<Check[]> {
  if (!(await hasData(directory))) return [];
  const lock = dataDirectoryLock(directory);
  try {
    await lock.acquire();
  } catch (error) {
    return [
      inUseByBroker
        ? ok('lock', `${directory} is held by the broker that answers`)
        : warn('lock', messageOf(error), 'the process that has it answers elsewhere, or hangs'),
    ];
  }
  try {
    return [ok('lock', 'free'), ...(await lastStop(directory))];
  } finally {
    await lock.release();
  }
}

async function hasData(directory: string): Promise<boolean> {
  return stat(`${directory}/marks`).then(
    () => true,
    () => false,
  );
}

async function lastStop(directory: string): Promise<Check[]> {
  const disk = new NodeDisk(directory);
  const { marks, lost } = await loadMarks(disk);
  const damaged: string[] = [];
  for (const { name } of marks.values()) {
    if ((await loadDamage(disk, name)).length > 0) damaged.push(name);
  }
  const open = [...marks.values()].filter((mark) => !mark.clean).length;
  const checks: Check[] = [];
  if (lost) {
    checks.push(
      warn(
        'last stop',
        'the marks are missing or damaged',
        'the next start scans every log; let it',
      ),
    );
  } else if (open > 0) {
    checks.push(
      ok('last stop', `unclean for ${open} of ${marks.size} logs; the next start recovers them`),
    );
  } else checks.push(ok('last stop', `clean, ${marks.size} logs`));
  if (damaged.length > 0) {
    const found = `records were lost in ${damaged.join(', ')}`;
    checks.push(warn('damage', found, 'bring them back from a copy'));
  }
  return checks;
}
