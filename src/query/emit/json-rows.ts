import { JsonKernel } from '../../kernels/json-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { floatText, type ByteWriter } from './byte-writer.ts';
import { integerCells, writeJsonCell } from './cell-writers.ts';
import { jsonColumns } from './json-columns.ts';
import { writePicked } from './picked-rows.ts';
import type { Cell, ColumnSeries, OutputSeries, RowSeries } from './result.ts';

/** Options of the JSON forms; `epochUnitNs` undefined writes RFC3339. */
export interface JsonOptions {
  readonly epochUnitNs: bigint | undefined;
}

/** The rows of a series, with a comma before each: `,[...],[...]`. */
export function writeJsonRows(
  writer: ByteWriter,
  series: OutputSeries,
  options: JsonOptions,
): void {
  if (series.kind === 'rows') writeRows(writer, series, options);
  else writeColumns(writer, series, options);
}

function writeRows(writer: ByteWriter, series: RowSeries, options: JsonOptions): void {
  const timeAt = series.columns.indexOf('time');
  for (const row of series.rows) {
    writer.ascii(',[');
    row.forEach((cell, c) => {
      if (c > 0) writer.byte(44);
      if (c === timeAt && typeof cell === 'bigint') writeTime(writer, cell, options.epochUnitNs);
      else writeCell(writer, cell);
    });
    writer.byte(93);
  }
}

function writeCell(writer: ByteWriter, cell: Cell): void {
  if (cell === null) writer.ascii('null');
  else if (typeof cell === 'string') writer.jsonString(cell);
  else if (typeof cell === 'number') writer.float(cell);
  else if (typeof cell === 'bigint') writer.integer(cell);
  else if (typeof cell === 'boolean') writer.ascii(cell ? 'true' : 'false');
  else {
    writer.byte(91);
    cell.forEach((text, i) => {
      if (i > 0) writer.byte(44);
      writer.jsonString(text);
    });
    writer.byte(93);
  }
}

/** Columns of fewer rows cost less than their way to the kernel. */
const kernelRowsMin = 8;
let kernel: JsonKernel | undefined;

function writeColumns(writer: ByteWriter, series: ColumnSeries, options: JsonOptions): void {
  const written = byKernel(series, options);
  if (written === undefined) writeColumnsPlainly(writer, series, options);
  else writer.raw(written, 0, written.length);
}

/** Undefined for what the kernels do not take. */
function byKernel(series: ColumnSeries, { epochUnitNs }: JsonOptions): Uint8Array | undefined {
  const { timesNs, start, end, timeZone } = series;
  if (end - start < kernelRowsMin) return undefined;
  if (epochUnitNs === undefined && timeZone !== undefined) return undefined;
  const unitNs = epochUnitNs ?? 0n;
  const picked = writePicked(series, unitNs);
  if (picked !== undefined) return picked;
  kernel ??= new JsonKernel(compiledKernels(), floatText);
  return kernel.write({ timesNs, ...jsonColumns(series), start, end, unitNs });
}

/** Any columns, cell by cell. */
export function writeColumnsPlainly(
  writer: ByteWriter,
  series: ColumnSeries,
  options: JsonOptions,
): void {
  const { timesNs, values, timeZone, missing } = series;
  const { epochUnitNs } = options;
  const nanoseconds = epochUnitNs === 1n ? integerCells(writer, timesNs) : undefined;
  for (let row = series.start; row < series.end; row++) {
    writer.ascii(',[');
    if (nanoseconds !== undefined) nanoseconds(row);
    else if (epochUnitNs === undefined && timeZone !== undefined) {
      writer.byte(34);
      writer.timestampIn(timesNs[row] ?? 0n, timeZone);
      writer.byte(34);
    } else writeTime(writer, timesNs[row] ?? 0n, epochUnitNs);
    const cell = { row, missing };
    for (const column of values) {
      writer.byte(44);
      writeJsonCell(writer, column, cell);
    }
    writer.byte(93);
  }
}

function writeTime(writer: ByteWriter, timeNs: bigint, unitNs: bigint | undefined): void {
  if (unitNs === undefined) {
    writer.byte(34);
    writer.timestamp(timeNs);
    writer.byte(34);
  } else writer.integer(unitNs === 1n ? timeNs : timeNs / unitNs);
}
