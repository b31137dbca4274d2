// What is said of many partitions.

/** Of many partitions the first few lines are enough. */
export function shorten(notes: readonly string[]): readonly string[] {
  const shown = 8;
  if (notes.length <= shown + 1) return notes;
  return [...notes.slice(0, shown), `… and ${notes.length - shown} more partitions`];
}
