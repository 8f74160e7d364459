/** Columns of text padded to their widest cell and `padding` more, at least `widthMin`; the last one is not padded. */
export function formatTable(
  rows: readonly (readonly string[])[],
  options: { readonly widthMin: number; readonly padding: number },
): string {
  const columnCount = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columnCount }, (_, column) => {
    const widest = Math.max(0, ...rows.map((row) => lengthOf(row[column] ?? '')));
    return Math.max(options.widthMin, widest + options.padding);
  });
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - lengthOf(cell)),
      );
      return `${cells.join('')}\n`;
    })
    .join('');
}

/** In characters, as Go counts them. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}
