/** Columns of text padded to their widest cell and `padding` more, at least `widthMin`; the last one is not padded. */
export function formatTable(
  rows: readonly (readonly string[])[],
  options: { readonly widthMin: number; readonly padding: number },
): string {
  const columnCount = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columnCount }, (_, column) => {
    const widest = Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));
    return Math.max(options.widthMin, widest + options.padding);
  });
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0),
      );
      return `${cells.join('')}\n`;
    })
    .join('');
}
