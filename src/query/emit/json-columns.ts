/** Columns of results as kernels take them: what is the same in each row is its JSON, neighbours of that kind together. */
import type { JsonColumn, JsonConstant } from '../../kernels/json-kernel.ts';
import { repeatedTextOf } from '../repeated-text.ts';
import { ByteWriter } from './byte-writer.ts';
import { missingText } from './cell-writers.ts';
import type { ColumnSeries } from './result.ts';

export interface JsonColumns {
  readonly columns: readonly (JsonColumn | JsonConstant)[];
  /** What stands where a cell of a column is missing. */
  readonly missing: readonly string[];
}

export function jsonColumns({
  values,
  missing,
}: Pick<ColumnSeries, 'values' | 'missing'>): JsonColumns {
  // prettier-ignore
  const columns: (JsonColumn | JsonConstant)[] = [];
  const missingTexts: string[] = [];
  let constants: ByteWriter | undefined;
  const endConstants = (): void => {
    if (constants === undefined) return;
    columns.push({ type: 'constant', text: constants.take() });
    missingTexts.push('');
    constants = undefined;
  };
  for (const column of values) {
    const repeated = repeatedTextOf(column);
    const missingCell = missingText(column, missing) ?? 'null';
    if (repeated === undefined) {
      endConstants();
      columns.push(column);
      missingTexts.push(missingCell);
      continue;
    }
    if (constants !== undefined) constants.byte(44);
    constants ??= new ByteWriter();
    const { text } = repeated;
    if (text === undefined) constants.ascii(missingCell);
    else constants.jsonBytes(text, 0, text.length);
  }
  endConstants();
  return { columns, missing: missingTexts };
}
