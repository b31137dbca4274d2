// Aligned columns without borders.

export interface TableOptions {
  /** Indices of columns whose cells are numbers: aligned to the right. */
  readonly right?: readonly number[];
}

/** Lines of a table, header first, ending in a newline. Cells may hold any text without newlines. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const right = new Set(options.right ?? []);
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => displayWidth(row[column] ?? ''))),
  );
  const lines = all.map((row) =>
    header
      .map((_, column) => {
        const cell = row[column] ?? '';
        const padding = ' '.repeat((widths[column] ?? 0) - displayWidth(cell));
        return right.has(column) ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Characters, without colour codes. */
function displayWidth(text: string): number {
  let width = 0;
  let inCode = false;
  for (const character of text) {
    if (character === '\u001b') inCode = true;
    else if (inCode) inCode = character !== 'm';
    else width += 1;
  }
  return width;
}
