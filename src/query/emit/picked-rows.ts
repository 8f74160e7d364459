/** Rows that were merged of several series and not picked yet, as JSON. */
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { JsonPart, PickedJson } from '../../kernels/picked-json.ts';
import type { Column } from '../column.ts';
import { nullColumn } from '../exec/columns/column-builder.ts';
import { pickedOf, type PickedRows } from '../exec/columns/pick-merged.ts';
import type { RowChunk } from '../exec/series/series-rows.ts';
import { floatText } from './byte-writer.ts';
import { jsonColumns } from './json-columns.ts';
import type { ColumnSeries } from './result.ts';

let kernel: PickedJson | undefined;

/** Parts as they are for one list of columns. */
interface KnownPart {
  readonly layout: string;
  readonly part: JsonPart;
}
const knownParts = new WeakMap<RowChunk, KnownPart>();

interface KnownParts {
  readonly layout: string;
  readonly parts: readonly JsonPart[];
}
/** An answer is written a piece of its rows at a time. */
const partsOfRows = new WeakMap<PickedRows, KnownParts>();

/** Undefined where not all columns are picked from the same rows, and for what the kernel does not take. */
export function writePicked(series: ColumnSeries, unitNs: bigint): Uint8Array | undefined {
  const places = placesOf(series.values);
  if (places === undefined) return undefined;
  const { rows, ats } = places;
  const { timesNs, start, end } = series;
  const { chunkAt: partAt, rowAt } = rows;
  kernel ??= new PickedJson(compiledKernels(), floatText);
  const parts = partsOf(rows, ats, series);
  return kernel.write({ timesNs, parts, partAt, rowAt, start, end, unitNs });
}

function placesOf(
  values: readonly Column[],
): { readonly rows: PickedRows; readonly ats: readonly number[] } | undefined {
  // prettier-ignore
  let rows: PickedRows | undefined;
  const ats: number[] = [];
  for (const column of values) {
    const picked = pickedOf(column);
    if (picked === undefined || (rows ?? picked.rows) !== picked.rows) return undefined;
    ({ rows } = picked);
    ats.push(picked.at);
  }
  return rows && { rows, ats };
}

function partsOf(
  rows: PickedRows,
  ats: readonly number[],
  { values, missing }: ColumnSeries,
): readonly JsonPart[] {
  const layout = `${missing} ${ats.join()}`;
  const known = partsOfRows.get(rows);
  if (known?.layout === layout) return known.parts;
  const parts = rows.chunks.map((chunk) => {
    const knownPart = knownParts.get(chunk);
    if (knownPart?.layout === layout) return knownPart.part;
    const columns = ats.map((at, i) => chunk.columns[at] ?? nullColumn(values[i]?.type ?? 'float', chunk.timesNs.length)); // prettier-ignore
    const part = partOf(columns, missing, chunk.timesNs.length);
    knownParts.set(chunk, { layout, part });
    return part;
  });
  partsOfRows.set(rows, { layout, parts });
  return parts;
}

function partOf(
  values: readonly Column[],
  missing: ColumnSeries['missing'],
  rowCount: number,
): JsonPart {
  const { columns, missing: texts } = jsonColumns({ values, missing });
  return new JsonPart(
    columns.map((column, i) => column.type === 'constant' ? column : { type: 'values', column, missing: texts[i] ?? 'null' }), // prettier-ignore
    rowCount,
  );
}
