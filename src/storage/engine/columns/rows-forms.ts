/** The two forms in which compaction holds rows: in a kernel's hands, and as runs, which take strings as well. */
import { decodeBlock, encodeBlock } from '../../../codec/block.ts';
import { DbError } from '../../../base/errors.ts';
import {
  cutRows,
  timeOf,
  type ColumnKernel,
  type KernelRows,
} from '../../../kernels/column-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import { emptyColumn, gatherTexts, mergeRuns, sliceRun, type ColumnRun } from './column-run.ts';
import { keptSpans } from '../../tsm/deleted-ranges.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import type { RowsForm } from './merge-columns.ts';

/** Whether numbers are packed as closely as can be, which takes twice as long to encode. */
export interface FormOptions {
  readonly isClose: boolean;
}

/** Numbers and booleans. */
export function kernelForm(
  kernel: ColumnKernel,
  type: FieldType,
  { isClose }: FormOptions,
): RowsForm<KernelRows> {
  const width = type === FieldType.boolean ? 1 : 8;
  return {
    decode(block) {
      if (block[0] !== type) throw wrongType(type, block[0]);
      return kernel.decode(block);
    },
    count: ({ count }) => count,
    timeNs: timeOf,
    cut: cutRows,
    merge: (parts) => kernel.merge(parts, width),
    encode: (parts) => kernel.encode(type, parts, isClose),
  };
}

export function runForm(type: FieldType, { isClose }: FormOptions): RowsForm<ColumnRun> {
  return {
    decode(block) {
      const run = decodeBlock(block);
      if (run.type !== type) throw wrongType(type, run.type);
      return run;
    },
    count: ({ timesNs }) => timesNs.length,
    timeNs: ({ timesNs }, row) => timesNs[row] ?? 0n,
    bytes: bytesOf,
    cut: sliceRun,
    merge: mergeRuns,
    encode: (parts) => encodeBlock(joinRuns(type, parts), undefined, isClose),
  };
}

/** The rows of a run that are not deleted, maybe none. */
export function withoutRanges(run: ColumnRun, deleted: readonly TimeRange[]): ColumnRun {
  const { timesNs, type } = run;
  const spans = keptSpans(timesNs.length, (row) => timesNs[row] ?? 0n, deleted);
  return joinRuns(type, spans.map(([start, end]) => sliceRun(run, start, end))); // prettier-ignore
}

/** Of texts. */
function bytesOf({ values }: ColumnRun): number {
  if (!('offsets' in values)) return 0;
  return (values.offsets[values.offsets.length - 1] ?? 0) - (values.offsets[0] ?? 0);
}

function wrongType(type: FieldType, found: number | undefined): DbError {
  return new DbError('corrupt', `a block of type ${found} in a key of type ${type}`);
}

/** Runs that follow each other in time as one. */
function joinRuns(type: FieldType, parts: readonly ColumnRun[]): ColumnRun {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && !('offsets' in only.values)) return only;
  const count = parts.reduce((sum, { timesNs }) => sum + timesNs.length, 0);
  const timesNs = new BigInt64Array(count);
  let at = 0;
  for (const part of parts) {
    timesNs.set(part.timesNs, at);
    at += part.timesNs.length;
  }
  if (type === FieldType.string) return { type, timesNs, values: joinTexts(parts, count) };
  const values = emptyColumn(type, count);
  at = 0;
  for (const part of parts) {
    values.set(part.values as never, at);
    at += part.timesNs.length;
  }
  return { type, timesNs, values };
}

function joinTexts(parts: readonly ColumnRun[], count: number) {
  const texts: Uint8Array[] = [];
  for (const { timesNs, values } of parts) {
    if (!('offsets' in values)) continue;
    for (let i = 0; i < timesNs.length; i++)
      texts.push(values.bytes.subarray(values.offsets[i], values.offsets[i + 1]));
  }
  return gatherTexts(count, (row) => texts[row] ?? new Uint8Array());
}
