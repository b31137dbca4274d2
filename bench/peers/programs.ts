// Programs of this machine: where they are, whether they can be run, and their versions.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { textOfError } from '../../src/base/errors.ts';

/** Where Debian puts servers (nats-server): not in the PATH of people who are not root. */
const SERVERS: readonly string[] = ['/usr/local/sbin', '/usr/sbin'];

/** Why the file cannot be run; undefined when it can. */
function faultOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return `there is no ${path}`;
  if (!found.isFile()) return `${path} is no file`;
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return `${path} cannot be run: chmod +x ${path}`;
  }
}

/** The path of a program that is named as in a shell: by its path, or by its name alone. */
export function findProgram(program: string): string | undefined {
  if (program.includes('/')) return faultOf(program) === undefined ? program : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SERVERS];
  return folders.map((folder) => join(folder, program)).find((path) => faultOf(path) === undefined);
}

/** Why the program cannot be run; undefined when it can. */
export function programFault(program: string): string | undefined {
  if (program.includes('/')) return faultOf(program);
  return findProgram(program) === undefined ? `there is no program ${program} in PATH` : undefined;
}

/** The number in what the program says of its version; undefined when it is not installed. */
export function versionOf(program: string, option = '--version'): string | undefined {
  const path = findProgram(program);
  if (path === undefined) return undefined;
  const { stdout } = spawnSync(path, [option], { encoding: 'utf8' });
  return /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

/** What makes a peer that is missing be there. */
export const installCommand = (peer: string): string => `npm run bench -- install ${peer}`;

/** Does what a peer needs; what goes wrong names the command that installs it. */
export async function orInstall<T>(peer: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${textOfError(cause)}; next: ${installCommand(peer)}`, { cause });
  }
}
