// Programs of this machine: where they are, and whether they can be run.

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

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
