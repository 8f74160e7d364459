import { must } from '../../base/assert.ts';
import type {
  NumberType,
  PackedPart,
  PackedWindows,
  SummaryPart,
  WindowGrid,
} from '../../kernels/window-table.ts';
import type { Column } from '../column.ts';
import type { Fragment, SelectedValues, WindowsTask, WindowSummary } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import { passesStart, windowStartNs } from './window-accumulator.ts';

/** The windows that the points of a fragment can lie in, one behind the other. */
export interface Grid {
  readonly cells: WindowGrid;
  /** What the only window of a task without interval is called; undefined for the others, which have their starts. */
  readonly label: bigint | undefined;
}

/** More windows than this are kept apart from each other instead: a table of them would be mostly empty. */
const cellsMax = 1 << 18;
const widthMaxNs = 2n ** 63n - 1n;

/** 'empty' when no shard has a point in the range, undefined when a table of the windows would be too large. */
export function windowGrid(
  { minTimeNs, maxTimeNs }: Fragment,
  { intervalNs, offsetNs }: WindowsTask,
  sources: readonly ShardSource[],
): Grid | 'empty' | undefined {
  const within = boundsWithin({ minTimeNs, maxTimeNs }, sources);
  if (within === undefined) return 'empty';
  const { lowNs, highNs } = within;
  if (intervalNs === 0n) {
    const width = highNs - lowNs + 1n;
    if (width > widthMaxNs) return undefined;
    return { cells: { startNs: lowNs, intervalNs: width, count: 1 }, label: minTimeNs };
  }
  const startNs = windowStartNs(lowNs, intervalNs, offsetNs);
  const count = (highNs - startNs) / intervalNs + 1n;
  // The end of the last window has to be an int64 as well, and so has the distance to it.
  const isSmall = count <= BigInt(cellsMax) && startNs + count * intervalNs <= widthMaxNs;
  if (!isSmall || passesStart(startNs, offsetNs) || count * intervalNs > widthMaxNs)
    return undefined;
  return { cells: { startNs, intervalNs, count: Number(count) }, label: undefined };
}

/** Where points of the shards can lie within inclusive bounds; undefined where none can. */
export function boundsWithin(
  { minTimeNs, maxTimeNs }: Pick<Fragment, 'minTimeNs' | 'maxTimeNs'>,
  sources: readonly ShardSource[],
): { readonly lowNs: bigint; readonly highNs: bigint } | undefined {
  let [least, greatest]: (bigint | undefined)[] = [];
  for (const source of sources) {
    const bounds = source.timeBounds();
    if (bounds === undefined) continue;
    if (least === undefined || bounds.minTimeNs < least) least = bounds.minTimeNs;
    if (greatest === undefined || bounds.maxTimeNs > greatest) greatest = bounds.maxTimeNs;
  }
  if (least === undefined || greatest === undefined) return undefined;
  const lowNs = least > minTimeNs ? least : minTimeNs;
  const highNs = greatest < maxTimeNs ? greatest : maxTimeNs;
  if (lowNs > highNs) return undefined;
  return { lowNs, highNs };
}

/** What a table holds, as a fragment answers it. */
export function summaryOf(
  type: NumberType,
  { startsNs, counts, parts }: PackedWindows,
  label: bigint | undefined,
): WindowSummary {
  const count = startsNs.length;
  const values = (part: SummaryPart): Column | undefined => {
    const packed = parts.get(part);
    return packed && numbers(type, packed.buffer, { offset: packed.valuesOffset, count });
  };
  const selected = (part: SummaryPart): SelectedValues | undefined => {
    const column = values(part);
    if (column === undefined) return undefined;
    const { buffer, timesOffset }: PackedPart = must(parts.get(part), 'the part is there');
    return { timesNs: new BigInt64Array(buffer, timesOffset, count), values: column };
  };
  if (label !== undefined && count > 0) startsNs[0] = label;
  return {
    startsNs,
    counts,
    sums: values('sum'),
    mins: selected('min'),
    maxs: selected('max'),
    firsts: selected('first'),
    lasts: selected('last'),
  };
}

export const emptySummary: WindowSummary = {
  startsNs: new BigInt64Array(),
  counts: new BigInt64Array(),
  sums: undefined,
  mins: undefined,
  maxs: undefined,
  firsts: undefined,
  lasts: undefined,
};

function numbers(
  type: NumberType,
  buffer: ArrayBuffer,
  { offset, count }: { readonly offset: number; readonly count: number },
): Column {
  if (type === 'float') return { type, values: new Float64Array(buffer, offset, count) };
  if (type === 'integer') return { type, values: new BigInt64Array(buffer, offset, count) };
  return { type, values: new BigUint64Array(buffer, offset, count) };
}
