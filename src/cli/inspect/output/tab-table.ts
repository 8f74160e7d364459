/**
 * Columns as Go's text/tabwriter lays them out: a cell is as wide as the widest of its column among the lines that stand
 * together, the last cell of a line belongs to no column.
 */
export interface TabOptions {
  readonly widthMin: number;
  /** How many columns a tab is, where tabs pad. */
  readonly tabWidth: number;
  readonly padding: number;
  readonly pad: 'tabs' | 'spaces';
}

export function formatTabs(
  rows: readonly (readonly string[])[],
  { widthMin, tabWidth, padding, pad }: TabOptions,
): string {
  const widths = rows.map((row) => row.map(() => 0));
  rows.forEach((row, line) => {
    for (let column = 0; column + 1 < row.length; column++) {
      if ((widths[line]?.[column] ?? 0) > 0) continue;
      setWidth(rows, widths, { line, column, widthMin, padding });
    }
  });
  return rows
    .map((row, line) => {
      const cells = row.map((cell, column) => {
        if (column + 1 === row.length) return cell;
        const width = widths[line]?.[column] ?? 0;
        if (pad === 'spaces') return cell + ' '.repeat(width - lengthOf(cell));
        const whole = Math.ceil(width / tabWidth) * tabWidth;
        return cell + '\t'.repeat(Math.ceil((whole - lengthOf(cell)) / tabWidth));
      });
      return `${cells.join('')}\n`;
    })
    .join('');
}

/** The width of a column from `line` on, as far down as lines have that cell. */
function setWidth(
  rows: readonly (readonly string[])[],
  widths: number[][],
  at: {
    readonly line: number;
    readonly column: number;
    readonly widthMin: number;
    readonly padding: number;
  },
): void {
  const { line, column, widthMin, padding } = at;
  let end = line;
  let width = widthMin;
  for (; end < rows.length && column + 1 < (rows[end]?.length ?? 0); end++)
    width = Math.max(width, lengthOf(rows[end]?.[column] ?? '') + padding);
  for (let i = line; i < end; i++) {
    const row = widths[i];
    if (row !== undefined) row[column] = width;
  }
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
