import type { Column } from './column.ts';
import { cellValue, ColumnBuilder } from './exec/columns/column-builder.ts';
import type { RowsBlock } from './fragment.ts';
import type { SourceFieldType } from './source.ts';

/** A line of what a shard says of the cost of reading it. */
export interface CostRow {
  readonly shardId: number;
  /** Of the series that pass (`cursorCount` is how many), of a field that is read, or of one that a condition reads. */
  readonly role: 'series' | 'read' | 'condition';
  /** '' for the series. */
  readonly field: string;
  /** Of the field in this shard. */
  readonly type: SourceFieldType;
  readonly cursorCount: number;
  readonly cachedValues: number;
  /** Of all series: a file counts once for each series and field that it has blocks of. */
  readonly fileCount: number;
  readonly blockCount: number;
  readonly blockBytes: number;
}

const texts = ['role', 'field', 'type'] as const;
const numbers = ['shardId', 'cursorCount', 'cachedValues', 'fileCount', 'blockCount', 'blockBytes'] as const; // prettier-ignore

/** Costs travel as the columns of a block of rows. */
export function costColumns(rows: readonly CostRow[]): readonly Column[] {
  const columnOf = (type: 'string' | 'integer', values: readonly (string | bigint)[]): Column => {
    const builder = new ColumnBuilder(type, rows.length);
    for (const value of values) builder.pushValue(value);
    return builder.finish();
  };
  return [
    ...texts.map((name) => columnOf('string', rows.map((row) => row[name]))), // prettier-ignore
    ...numbers.map((name) => columnOf('integer', rows.map((row) => BigInt(row[name])))), // prettier-ignore
  ];
}

export function costRows({ columns, timesNs }: RowsBlock): readonly CostRow[] {
  return Array.from(timesNs, (_, row) => {
    const cell = (at: number) => {
      const column = columns[at];
      return column === undefined ? null : cellValue(column, row);
    };
    const text = Object.fromEntries(texts.map((name, i) => [name, String(cell(i))]));
    const count = Object.fromEntries(numbers.map((name, i) => [name, Number(cell(texts.length + i))])); // prettier-ignore
    return { ...text, ...count } as unknown as CostRow;
  });
}
