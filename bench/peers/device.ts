// What a disk has written, by its own counter. What processes cause to be written (write_bytes of /proc/PID/io) is no
// measure of it: where the page cache has large folios, a page that is made dirty counts as its whole folio (measured:
// 63 to 780 MB for 10,000 records of 1 KiB, each synced alone, for which the device wrote 102 MB).

import { readFileSync, statSync } from 'node:fs';

/** Of the counters in /sys/dev/block/…/stat (Documentation/block/stat.rst): sectors written. */
const WRITTEN_AT = 6;
/** Sectors of the counters, whatever the device has. */
const SECTOR_BYTES = 512;

/**
 * Bytes that the block device under `folder` has written since the machine started, whoever made it. NaN where there is
 * no such device: in memory, over a network, on several devices (btrfs), elsewhere than on Linux.
 */
export function deviceWrittenBytes(folder: string): number {
  try {
    const { dev } = statSync(folder, { bigint: true });
    // As gnu_dev_major(3) and gnu_dev_minor(3) have it.
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
    const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
    const fields = readFileSync(`/sys/dev/block/${major}:${minor}/stat`, 'utf8')
      .trim()
      .split(/\s+/);
    return Number(fields[WRITTEN_AT]) * SECTOR_BYTES;
  } catch {
    return Number.NaN;
  }
}
