/** All points of a shard, each read in several ways, which have to agree: by cursors both ways, by their ends, and folded where they lie. */
import { compiledKernels } from '../../../src/kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../src/kernels/query-kernel.ts';
import type { ShardView } from '../../../src/storage/engine/shard-view.ts';
import type { EndValue } from '../../../src/storage/tsm/known-ends.ts';
import { finished } from '../../support/finished.ts';
import { foldAll, shownWindows } from '../../support/shown-windows.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 26 });

export interface Bounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

interface Row {
  readonly timeNs: bigint;
  readonly value: string;
}

/** As the reference has them. */
export const allTimes: Bounds = {
  minTimeNs: -9_223_372_036_854_775_806n,
  maxTimeNs: 9_223_372_036_854_775_806n,
};

/** Rows of a field of a series in the order of their times, and what one way tells otherwise than another, `within` bounds and of all. */
export function readWays(
  view: ShardView,
  seriesId: number,
  field: string,
  within: Bounds | undefined,
): { readonly rows: readonly Row[]; readonly faults: readonly string[] } {
  const rows = rowsOf(view, { seriesId, field, ...allTimes, ascending: true });
  const faults: string[] = [];
  if (within === undefined) return { rows, faults };
  const expect = (what: string, got: unknown, wanted: unknown): void => {
    const texts = [got, wanted].map(textOf);
    if (texts[0] !== texts[1]) faults.push(`${what}: ${texts.join(' and not ')}`);
  };
  for (const bounds of [allTimes, within]) {
    const { minTimeNs, maxTimeNs } = bounds;
    const wanted = rows.filter(({ timeNs }) => timeNs >= minTimeNs && timeNs <= maxTimeNs);
    const request = { seriesId, field, ...bounds };
    expect('forwards', rowsOf(view, { ...request, ascending: true }), wanted);
    expect('backwards', rowsOf(view, { ...request, ascending: false }), wanted.toReversed());
    expect('first', endOf(view, request, true), wanted[0]);
    expect('last', endOf(view, request, false), wanted.at(-1));
    const first = view.firstNs({ seriesId, fields: [field], ...bounds, ascending: true });
    const isMissed = wanted[0] !== undefined && (first === undefined || first > wanted[0].timeNs);
    if (isMissed) faults.push(`nothing before ${String(first)}, and ${textOf(wanted[0])} is there`);
  }
  expect('row', rowAtEnd(view, { seriesId, field, ...within }), undefined);
  return { rows, faults };
}

/** Numbers of a field in windows, where they lie; '' where cursors give the same, or it has to be read by cursors. */
export function foldFault(
  view: ShardView,
  { seriesId, field, type, ...bounds }: Bounds & { readonly seriesId: number; readonly field: string; readonly type: 'float' | 'integer' }, // prettier-ignore
): string {
  const mark = kernel.arena.mark();
  try {
    const grid = { startNs: bounds.minTimeNs, intervalNs: 5n, count: Number((bounds.maxTimeNs - bounds.minTimeNs) / 5n) + 1 }; // prettier-ignore
    const tableOf = () => kernel.windowTable([{ type, parts: ['sum', 'first', 'last'] }], grid);
    const table = tableOf();
    const count = foldAll(view.fold({ seriesId, ...bounds, fields: [field], table }));
    if (count === undefined) return '';
    const folded = textOf([count, shownWindows(table.finish())]);
    const twin = tableOf();
    const read = textOf([byCursor(view, { seriesId, field, ...bounds }, twin), shownWindows(twin.finish())]); // prettier-ignore
    return folded === read ? '' : `folded: ${folded} and not ${read}`;
  } finally {
    kernel.arena.release(mark);
  }
}

type Request = Bounds & { readonly seriesId: number; readonly field: string };

function byCursor(
  view: ShardView,
  request: Request,
  table: ReturnType<QueryKernel['windowTable']>,
): number {
  const cursor = view.openCursor({ ...request, ascending: true });
  const mark = table.arena.mark();
  let count = 0;
  for (
    let batch = cursor.next(table.arena);
    batch !== undefined;
    batch = cursor.next(table.arena)
  ) {
    // prettier-ignore
    table.fold(0, batch);
    count += batch.count;
    table.arena.release(mark);
  }
  return count;
}

/** What a look at a row at one end tells otherwise than the end itself; nothing where it does not tell. */
function rowAtEnd(view: ShardView, { seriesId, field, ...bounds }: Request): unknown {
  for (const ascending of [true, false]) {
    const row = view.endRow({ seriesId, fields: [field], ...bounds, ascending }, kernel.arena);
    if (row === undefined) continue;
    const end = endOf(view, { seriesId, field, ...bounds }, ascending);
    const value = row.values[0];
    const got = { timeNs: row.timeNs, value: value === undefined ? '' : endText(value) };
    if (textOf(got) !== textOf(end)) return got;
  }
  return undefined;
}

function endOf(view: ShardView, request: Request, ascending: boolean): Row | undefined {
  const end = view.end({ ...request, ascending }, kernel.arena);
  return end && { timeNs: end.timeNs, value: endText(end.value) };
}

function endText(value: EndValue): string {
  return typeof value === 'object' ? Buffer.from(value).toString() : String(value);
}

function rowsOf(
  view: ShardView,
  request: Request & { readonly ascending: boolean },
): readonly Row[] {
  // prettier-ignore
  const rows: Row[] = [];
  const { arena } = kernel;
  const mark = arena.mark();
  const cursor = view.openCursor(request);
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    const memory = new DataView(arena.memory.buffer);
    for (let i = 0; i < batch.count; i++)
      rows.push({ timeNs: memory.getBigInt64(batch.timesPtr + i * 8, true), value: cellText(memory, batch, i) }); // prettier-ignore
    arena.release(mark);
  }
  return rows;
}

function cellText(
  memory: DataView<ArrayBuffer>,
  { type, valuesPtr }: { readonly type: string; readonly valuesPtr: number },
  row: number,
): string {
  if (type === 'boolean') return String(memory.getUint8(valuesPtr + row) === 1);
  const at = valuesPtr + row * 8;
  if (type === 'float') return String(memory.getFloat64(at, true));
  if (type === 'integer') return String(memory.getBigInt64(at, true));
  const bytes = new Uint8Array(memory.buffer, memory.getUint32(at, true), memory.getUint32(at + 4, true)); // prettier-ignore
  return new TextDecoder().decode(bytes);
}

/** How many series a measurement has, and how many have a value of a tag, by sketch and by list. */
export function seriesFaults(view: ShardView, measurement: string, tag: string): readonly string[] {
  const ids = finished(view.seriesIds(measurement));
  const byPart = [...view.seriesIdsByPart(measurement)].sort((a, b) => a - b);
  const faults: string[] = [];
  if (textOf([...ids].sort((a, b) => a - b)) !== textOf(byPart)) faults.push(`${measurement}: series by part`); // prettier-ignore
  if (ids.length > 0 !== view.hasSeries(measurement)) faults.push(`${measurement}: hasSeries`);
  const values = [...ids].flatMap((id) => view.series(id).tag(tag) ?? []);
  const listed = [...new Set([...view.tagValueLists(measurement, tag)].flat())].sort();
  if (textOf([...new Set(values)].sort()) !== textOf(listed)) faults.push(`${measurement}: values of its tag: ${textOf(listed)}`); // prettier-ignore
  return faults;
}

function textOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
}
