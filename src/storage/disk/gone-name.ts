// How files of a log are called on their way out, behind the name that they had: `<name>.deleted` where retention took
// them, `<name>.<number>.deleted` where compaction put another in their place.

const DELETED = '.deleted';
const GONE = /(?:\.(\d+))?\.deleted$/;

/** The name of what retention takes; of a log, it tells a start that the log's beginning was taken. */
export const deletedName = (name: string): string => name + DELETED;

/** A name of its own: the next file called `name` may be set aside before this one is removed. `number`: from 1 on. */
export const setAsideName = (name: string, number: number): string => `${name}.${number}${DELETED}`;

/** The name that the file had; the same where it is not on its way out. */
export const nameBefore = (name: string): string => name.replace(GONE, '');

/** The number under which a file called `name` was set aside as `gone`; 0 when `gone` is another file. */
export function setAsideNumber(gone: string, name: string): number {
  const [, number] = GONE.exec(gone) ?? [];
  return number !== undefined && nameBefore(gone) === name ? Number(number) : 0;
}
