import type { ColumnType } from '../../column.ts';
import type { RowChunk } from '../series/series-rows.ts';
import { chunksOf, nextChunk, noRows, type StreamList } from './chunk-stream.ts';
import { Lanes, type ChunkOrder, type Lane } from './lanes.ts';
import { MergedRows, pickedColumns, pickedTimes, type PickedRows } from './pick-merged.ts';

const chunkRowsMax = 4096;
/** Fewer rows are put together with others: what is made of a chunk takes as long as that of tens of rows. */
const passedRowsLeast = 64;
/** Of more chunks of so few rows it is the chunks that take memory, and for long enough to be taken for old. */
const shortChunksMax = 512;
/** So many chunks may be read before others run: a few milliseconds, whatever passes a predicate. */
const chunksPerPause = 32;
/** To ask when a stream begins takes a few microseconds. */
const asksPerPause = 256;

/**
 * Merges streams by time, rows of one time as `order` says, whatever the direction. A stream whose next chunk is of many
 * rows that lie wholly before all others passes through untouched. A chunk without rows is a pause.
 */
export function* mergeChunks(
  streams: StreamList,
  types: readonly ColumnType[],
  order: ChunkOrder,
): Generator<RowChunk> {
  if (streams.count === 1) yield* chunksOf(streams.at(0));
  if (streams.count < 2) return;
  const lanes = new Lanes(streams, order);
  try {
    yield* lanes.open();
    yield* mergeMany(lanes, types, order);
  } finally {
    lanes.close();
  }
}

function* mergeMany(
  lanes: Lanes,
  types: readonly ColumnType[],
  { ascending, rankAt, rowsFirst = chunkRowsMax }: ChunkOrder,
): Generator<RowChunk> {
  const rowsMax = Math.min(chunkRowsMax, rowsFirst);
  const to = { types, rowsMax, merged: new MergedRows(lanes.areMany() ? rowsMax : 0) };
  while (lanes.areMany()) {
    const { first } = lanes;
    if (first?.isAtEnd === true) {
      yield* soonest(lanes);
      const due = lanes.first;
      if (due?.isAtEnd === true) lanes.goOn(yield* nextChunk(due.stream));
    }
    if (!lanes.areMany() || lanes.first?.isAtEnd !== false) continue;
    yield (
      passThrough(lanes, ascending) ??
      mergeSteps(lanes, rankAt, to) ??
      (yield* mergeRows(lanes, to))
    );
  }
  const last = lanes.first;
  if (last === undefined) return;
  if (!last.isAtEnd) yield last.give();
  yield* chunksOf(last.stream);
}

/** Asks those that are first when they begin, until one is that does not begin later. */
function* soonest(lanes: Lanes): Generator<RowChunk> {
  for (let asked = 1; lanes.delaysFirst(); asked++) if (asked % asksPerPause === 0) yield noRows;
}

/** The first lane's rows when all of them come before every other lane's next row. */
function passThrough(lanes: Lanes, ascending: boolean): RowChunk | undefined {
  const { first } = lanes;
  if (first === undefined || first.left < passedRowsLeast) return undefined;
  const endNs = first.chunk.timesNs[first.chunk.timesNs.length - 1] ?? 0n;
  for (const child of lanes.seconds) {
    if (child === undefined) continue;
    const { nextNs } = child;
    if (ascending ? endNs >= nextNs : endNs <= nextNs) return undefined;
  }
  return first.give();
}

/** How the rows of lanes become a chunk. */
interface MergeInto {
  readonly types: readonly ColumnType[];
  readonly merged: MergedRows;
  readonly rowsMax: number;
}

/** So many next rows of all lanes have the same times, as those of series that are written at once: 0 if not even one. */
function stepsOf(lanes: readonly Lane[], rowsMax: number): number {
  const first = lanes[0];
  if (first === undefined) return 0;
  let steps = Math.floor(rowsMax / lanes.length);
  for (const lane of lanes) {
    if (!lane.isAsked || lane.low !== first.low || lane.high !== first.high) return 0;
    steps = Math.min(steps, lane.left);
  }
  return steps > 0 && lanes.every((lane) => lane === first || lane.isInStep(first, steps)) ? steps : 0; // prettier-ignore
}

/** Lanes that are in step take turns; undefined where they are not. */
function mergeSteps(
  lanes: Lanes,
  rankAt: number | undefined,
  { types, merged, rowsMax }: MergeInto,
): RowChunk | undefined {
  const steps = rankAt === undefined ? stepsOf(lanes.all, rowsMax) : 0;
  if (steps === 0) return undefined;
  const inOrder = [...lanes.all].sort((left, right) => left.order - right.order);
  merged.clear();
  for (let step = 0; step < steps; step++)
    for (let i = 0; i < inOrder.length; i++) merged.push(i, (inOrder[i]?.at ?? 0) + step);
  for (const lane of lanes.all) lane.skip(steps);
  lanes.sort();
  return pickedChunk(types, merged.of(inOrder.map(({ chunk }) => chunk)));
}

function pickedChunk(types: readonly ColumnType[], rows: PickedRows): RowChunk {
  return { timesNs: pickedTimes(rows), columns: pickedColumns(types, rows) };
}

/** Fewer rows than there may be, or none, where a stream read much without a row. */
function* mergeRows(
  lanes: Lanes,
  { types, merged, rowsMax }: MergeInto,
): Generator<RowChunk, RowChunk> {
  // Those that rows come of: few of very many, it may be.
  const touched: Lane[] = [];
  const chunks: RowChunk[] = [];
  let readCount = 0;
  let askedCount = 0;
  let shortCount = 0;
  merged.clear();
  while (merged.count < rowsMax) {
    const { first } = lanes;
    if (first === undefined || !lanes.areMany()) break;
    if (!first.isAsked || first.isAtEnd) {
      if (lanes.delaysFirst()) {
        if (++askedCount % asksPerPause === 0) yield noRows;
        continue;
      }
      // Its next chunk may be long in coming.
      if (++readCount % chunksPerPause === 0) yield noRows;
      const chunk = first.stream.next();
      if (chunk === 'pause' || chunk?.timesNs.length === 0) break;
      first.number = -1;
      lanes.goOn(chunk);
      continue;
    }
    if (first.number < 0) {
      if (first.left < passedRowsLeast && ++shortCount > shortChunksMax) break;
      first.number = chunks.push(first.chunk) - 1;
      touched.push(first);
    }
    merged.push(first.number, first.at);
    first.advance();
    if (first.left > 0) lanes.sink(0);
  }
  for (const lane of touched) lane.number = -1;
  return chunks.length === 0 ? noRows : pickedChunk(types, merged.of(chunks));
}
