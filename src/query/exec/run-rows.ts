import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from '../column.ts';
import type { Fragment, RowsBlock, RowsTask } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import { ColumnBuilder, isConvertible, sliceColumn } from './column-builder.ts';
import type { FragmentContext } from './context.ts';
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { mergeChunks, type ChunkStream } from './merge-chunks.ts';
import { selectRows } from './select-rows.ts';
import { SeriesRows, type RowChunk } from './series-rows.ts';

/** So many chunks without a row that passes, then others may run. */
const roundsMax = 8;

/** Runs a rows task over the shards at hand; blocks are ordered by group, then by time in the fragment's direction; undefined is a pause. */
export function* runRows(
  fragment: Fragment,
  task: RowsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<RowsBlock | undefined> {
  for (const group of groupSeries(fragment, sources, context.matcher)) {
    yield* runGroup(fragment, task, group, context);
  }
}

function* runGroup(
  fragment: Fragment,
  task: RowsTask,
  group: Group,
  context: FragmentContext,
): Generator<RowsBlock | undefined> {
  let rowsLeft = task.rowsMax === 0 ? Number.POSITIVE_INFINITY : task.rowsMax;
  const types = task.columns.map((column): ColumnType =>
    column.kind === 'tag' ? 'string' : column.type,
  );
  const streamOf = (member: MemberSeries) => memberStream(fragment, task, member, context);
  const { shardRowsMax } = task;
  const streams =
    shardRowsMax === undefined
      ? group.members.map(streamOf)
      : [...byShard(group.members).values()].map((members) =>
          firstRows(mergeChunks(members.map(streamOf), types, fragment.ascending), shardRowsMax),
        );
  for (const chunk of mergeChunks(streams, types, fragment.ascending)) {
    context.check();
    if (chunk.timesNs.length === 0) {
      yield undefined;
      continue;
    }
    const count = Math.min(chunk.timesNs.length, rowsLeft);
    yield {
      kind: 'rows',
      group: group.key,
      timesNs: count === chunk.timesNs.length ? chunk.timesNs : chunk.timesNs.slice(0, count),
      columns: count === chunk.timesNs.length ? chunk.columns : cut(chunk.columns, types, count),
    };
    rowsLeft -= count;
    if (rowsLeft <= 0) return;
  }
}

function byShard(members: readonly MemberSeries[]): ReadonlyMap<number, readonly MemberSeries[]> {
  const shards = new Map<number, MemberSeries[]>();
  for (const member of members) {
    const { shardId } = member.source;
    const own = shards.get(shardId);
    if (own === undefined) shards.set(shardId, [member]);
    else own.push(member);
  }
  return shards;
}

/** The first `rowsMax` rows of a stream. */
function firstRows(chunks: Iterator<RowChunk>, rowsMax: number): ChunkStream {
  let left = rowsMax;
  return {
    next() {
      if (left === 0) return undefined;
      const next = chunks.next();
      if (next.done === true) return undefined;
      const { timesNs, columns } = next.value;
      if (timesNs.length === 0) return 'pause';
      const count = Math.min(left, timesNs.length);
      left -= count;
      return {
        timesNs: timesNs.subarray(0, count),
        columns: columns.map((column) => sliceColumn(column, 0, count)),
      };
    },
  };
}

function cut(columns: readonly Column[], types: readonly ColumnType[], count: number): Column[] {
  return columns.map((column, i) => {
    const builder = new ColumnBuilder(types[i] ?? 'float', count);
    for (let row = 0; row < count; row++) builder.pushFrom(column, row);
    return builder.finish();
  });
}

/** The rows of one series as the task wants them: filtered, its tags as columns, rows without any field left out. */
function memberStream(
  fragment: Fragment,
  task: RowsTask,
  member: MemberSeries,
  context: FragmentContext,
): ChunkStream {
  const { source, seriesId, residual } = member;
  const wanted = task.columns.flatMap((column) => (column.kind === 'field' ? [column] : []));
  const names = [...new Set([...wanted.map((field) => field.name), ...member.residualFields])];
  const stored = new Map(source.fields(fragment.measurement).map((f) => [f.name, f.type]));
  const present = names.filter((name) => stored.has(name));
  const isThere = ({ name, type }: { readonly name: string; readonly type: ColumnType }) => {
    const own = stored.get(name);
    return own !== undefined && (own === type || isConvertible(own, type));
  };
  if (!wanted.some(isThere)) return { next: () => undefined };
  const cursors = present.map((field) =>
    source.openCursor({
      seriesId,
      field,
      minTimeNs: fragment.minTimeNs,
      maxTimeNs: fragment.maxTimeNs,
      ascending: fragment.ascending,
    }),
  );
  const types = present.map((name) => stored.get(name) ?? 'float');
  const rows = new SeriesRows(cursors, types, context.arena, fragment.ascending);
  return {
    next(): RowChunk | 'pause' | undefined {
      for (let round = 0; ; round++) {
        if (round === roundsMax) return 'pause';
        context.check();
        const chunk = rows.next();
        if (chunk === undefined) return undefined;
        context.countPoints(chunk.timesNs.length);
        const selected =
          residual === undefined ? chunk : selectRows(chunk, residual, present, context);
        const shaped = shape(selected, task, present, member);
        if (shaped.timesNs.length > 0) return shaped;
      }
    },
  };
}

function shape(
  chunk: RowChunk,
  task: RowsTask,
  present: readonly string[],
  member: MemberSeries,
): RowChunk {
  const rows = rowsWithValue(chunk, task, present);
  const count = rows?.length ?? chunk.timesNs.length;
  const columns = task.columns.map((column): Column => {
    if (column.kind === 'tag') return repeatTag(member.series.tags.get(column.name), count);
    const from = chunk.columns[present.indexOf(column.name)];
    if (from !== undefined && rows === undefined && from.type === column.type) return from;
    const builder = new ColumnBuilder(column.type, count);
    for (let i = 0; i < count; i++)
      if (from === undefined) builder.pushNull();
      else builder.pushFrom(from, rows?.[i] ?? i);
    return builder.finish();
  });
  if (rows === undefined) return { timesNs: chunk.timesNs, columns };
  return { timesNs: BigInt64Array.from(rows, (row) => chunk.timesNs[row] ?? 0n), columns };
}

/** Rows in which at least one wanted field has a value; undefined when that is all of them. */
function rowsWithValue(
  chunk: RowChunk,
  task: RowsTask,
  present: readonly string[],
): readonly number[] | undefined {
  const wanted = task.columns.flatMap((column) => {
    const from = column.kind === 'field' ? chunk.columns[present.indexOf(column.name)] : undefined;
    const isThere =
      from !== undefined &&
      column.kind === 'field' &&
      (from.type === column.type || isConvertible(from.type, column.type));
    return isThere ? [from] : [];
  });
  if (wanted.some((column) => column.valid === undefined)) return undefined;
  const rows: number[] = [];
  for (let row = 0; row < chunk.timesNs.length; row++)
    if (wanted.some((column) => column.valid?.[row] === 1)) rows.push(row);
  return rows;
}

/** A tag is the same in each row of a series; a tag that the series lacks is null. */
function repeatTag(value: string | undefined, count: number): Column {
  const text = Buffer.from(value ?? '', 'utf8');
  const offsets = new Uint32Array(count + 1);
  for (let row = 1; row <= count; row++) offsets[row] = row * text.length;
  const bytes = new Uint8Array(count * text.length);
  if (text.length > 0) Buffer.from(bytes.buffer).fill(text);
  const valid = value === undefined ? new Uint8Array(count) : undefined;
  return { type: 'string', values: { offsets, bytes }, valid };
}
