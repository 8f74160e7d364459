import { exactBytesOf } from '../../base/exact-text.ts';
import { must } from '../../base/assert.ts';
import type { Column, ColumnType } from '../column.ts';
import type { Fragment, RowsBlock, RowSeries, RowsTask } from '../fragment.ts';
import { RepeatedText } from '../repeated-text.ts';
import type { CursorRequest, EndRowRequest, ShardSource } from '../source.ts';
import { ColumnBuilder, isConvertible } from './columns/column-builder.ts';
import type { FragmentContext } from './context.ts';
import { boundOf, firstRows, firstTimes, noTimes, rowsFirstOf } from './columns/few-rows.ts';
import { FilteredSeries, needsItsFields } from './series/filtered-series.ts';
import { groupSeries, type Group, type MemberSeries } from './groups.ts';
import { listOf, type ChunkStream, type StreamList } from './columns/chunk-stream.ts';
import { mergeChunks } from './columns/merge-chunks.ts';
import { EndRow } from './series/end-row.ts';
import { LoneEndRows } from './series/lone-end-row.ts';
import { SeriesRanks } from './series/series-ranks.ts';
import { SeriesRows, type RowChunk } from './series/series-rows.ts';
import { spansOf } from './shard-spans.ts';

/** So many chunks without a row that passes, then others may run. */
const roundsMax = 8;

interface Plan {
  readonly fragment: Fragment;
  readonly task: RowsTask;
  readonly context: FragmentContext;
  /** Types of the measurement's fields in each shard. */
  readonly stored: ReadonlyMap<ShardSource, ReadonlyMap<string, ColumnType>>;
  /** Shards whose times overlap, in the direction of time. */
  readonly spans: readonly (readonly ShardSource[])[];
  /** Where few rows are wanted: no row of a shard comes before this time, in the direction of time. */
  readonly firstNs: ReadonlyMap<ShardSource, bigint>;
  /** The wanted fields that a shard has, none where it has none in a type that is taken; of shards that were asked. */
  readonly present: Map<ShardSource, PresentColumns>;
}

/** What is read of a series: names of fields, each once, and where among them each column of the task is; -1 where it is not. */
interface PresentColumns {
  readonly names: readonly string[];
  readonly places: readonly number[];
}

/** Runs a rows task over the shards at hand; blocks are ordered by group, then by time in the fragment's direction; undefined is a pause. */
export function* runRows(
  fragment: Fragment,
  task: RowsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<RowsBlock | undefined> {
  const rowsOf = rowsOfGroups(fragment, task, sources, context);
  const groups = yield* groupSeries(fragment, sources, context);
  context.groupsFound(groups);
  for (const group of groups) yield* rowsOf(group);
}

/** The same for a group of the fragment's. */
export function rowsOfGroups(
  fragment: Fragment,
  task: RowsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): (group: Group) => Iterable<RowsBlock | undefined> {
  const stored = new Map(
    sources.map((source) => [
      source,
      new Map(source.fields(fragment.measurement).map((field) => [field.name, field.type])),
    ]),
  );
  const { ascending } = fragment;
  const plan = {
    fragment,
    task,
    context,
    stored,
    spans: spansOf(sources, ascending),
    firstNs: rowsFirstOf(task) === undefined ? noTimes : firstTimes(sources, ascending),
    present: new Map(),
  };
  const lone = LoneEndRows.of(plan, context, (source) => {
    const types = must(stored.get(source), 'all shards were asked for their fields');
    return { ...presentFields(plan, source, types), typeOf: (name) => types.get(name) ?? 'float' };
  });
  return (group) => {
    const block = lone?.block(group);
    return block === undefined ? runGroup(plan, group) : [block];
  };
}

function* runGroup(plan: Plan, group: Group): Generator<RowsBlock | undefined> {
  const { task, context } = plan;
  let rowsLeft = task.rowsMax === 0 ? Number.POSITIVE_INFINITY : task.rowsMax;
  const types = task.columns.map((column): ColumnType =>
    column.kind === 'tag' ? 'string' : column.type,
  );
  const wanted = types.length;
  const ranks = isRanked(plan, group) ? yield* SeriesRanks.of(group.members) : undefined;
  if (ranks !== undefined) types.push('integer');
  for (const chunk of groupChunks(plan, group, { types, ranks })) {
    context.check();
    if (chunk.timesNs.length === 0) {
      yield undefined;
      continue;
    }
    const count = Math.min(chunk.timesNs.length, rowsLeft);
    const isWhole = count === chunk.timesNs.length;
    const columns = isWhole ? chunk.columns : cut(chunk.columns, types, count);
    yield {
      kind: 'rows',
      group: group.key,
      timesNs: isWhole ? chunk.timesNs : chunk.timesNs.slice(0, count),
      columns: columns.length === wanted ? columns : columns.slice(0, wanted),
      ...(task.showsSeries === true && { series: ranks?.seriesOf(columns[wanted]) ?? onlySeries(group, count) }), // prettier-ignore
    };
    rowsLeft -= count;
    if (rowsLeft <= 0) return;
  }
}

/** Whether rows carry their series' rank, its place among the group's, in a column behind those asked for. */
function isRanked({ task, spans }: Plan, { members }: Group): boolean {
  if (members.length === 1) return false;
  const isByShard = task.shardRowsMax !== undefined && spans.some((span) => span.length > 1);
  return isByShard || task.showsSeries === true;
}

/** What rows of a group of one series say of it. */
function onlySeries({ members }: Group, count: number): RowSeries | undefined {
  const key = members[0]?.series.key;
  return key === undefined ? undefined : { keys: [key], at: new Uint32Array(count) };
}

/** The rows of a group. Shards of one span after the other, so that who has enough of the first opens no more. */
function* groupChunks(
  plan: Plan,
  { members }: Group,
  { types, ranks }: { readonly types: readonly ColumnType[]; readonly ranks: SeriesRanks | undefined }, // prettier-ignore
): Generator<RowChunk> {
  const { task, fragment, spans, context } = plan;
  const { shardRowsMax } = task;
  const charge = (bytes: number): void => {
    context.charge(bytes);
  };
  const { ascending } = fragment;
  const rowsFirst = task.rowsMax > 0 ? task.rowsMax : undefined;
  // Series stand in the order of their ranks already; shards that were cut by themselves do not.
  const rankAt = ranks === undefined || shardRowsMax === undefined ? undefined : task.columns.length; // prettier-ignore
  const streamsOf = memberStreams(plan, members, ranks);
  for (const span of spans) {
    const cut: Generator<RowChunk>[] = [];
    const firstOfShard = (source: ShardSource, rowsMax: number): ChunkStream => {
      const own = streamsOf([source]);
      const merged = mergeChunks(own, types, { ascending, rowsFirst: rowsMax, charge });
      cut.push(merged);
      return firstRows(streamOfChunks(merged), rowsMax);
    };
    const streams =
      shardRowsMax === undefined
        ? streamsOf(span)
        : listOf(span.map((source) => firstOfShard(source, shardRowsMax)));
    try {
      yield* mergeChunks(streams, types, { ascending, rankAt, rowsFirst, charge });
    } finally {
      // They have more, which nobody asks for; what they hold is charged.
      for (const merged of cut) merged.return(undefined);
    }
  }
}

/** So many series are open at once as a rule; of more it is asked when each begins, for one that is not open takes next to nothing. */
const openSeriesMax = 256;

/** The rows of each member of some shards, in the order of the members. */
function memberStreams(
  plan: Plan,
  members: readonly MemberSeries[],
  ranks: SeriesRanks | undefined,
): (span: readonly ShardSource[]) => StreamList {
  const { fragment, task, firstNs } = plan;
  const { seriesRowsMax } = task;
  const shards = placesByShard(members);
  return (span) => {
    const places = placesOf(shards, span);
    const count = places.length;
    const memberAt = (at: number) => must(members[places[at] ?? -1], 'a member for each place');
    const ownBoundNs = (member: MemberSeries): bigint | 'none' | undefined => {
      if (count <= openSeriesMax || member.source.firstNs === undefined) return undefined;
      return member.source.firstNs(rowsAsked(plan, member)) ?? 'none';
    };
    return {
      count,
      boundNs(at) {
        const member = memberAt(at);
        // What is known of the shard is enough as long as others have earlier rows: where few are wanted most are never asked.
        return boundOf(fragment, firstNs.get(member.source)) ?? ownBoundNs(member);
      },
      nearerNs: (at) => ownBoundNs(memberAt(at)),
      at(at) {
        const rows = memberStream(plan, memberAt(at));
        const first = seriesRowsMax === undefined ? rows : firstRows(rows, seriesRowsMax);
        return ranks === undefined ? first : ranks.rank(places[at] ?? 0, first);
      },
    };
  };
}

function rowsAsked(plan: Plan, { source, seriesId }: MemberSeries): EndRowRequest {
  const { fragment, stored } = plan;
  const { ascending, minTimeNs, maxTimeNs } = fragment;
  const types = must(stored.get(source), 'all shards were asked for their fields');
  const { names: fields } = presentFields(plan, source, types);
  return { seriesId, fields, ascending, minTimeNs, maxTimeNs };
}

/** By shard, where its series stand among the members. */
function placesByShard(members: readonly MemberSeries[]): ReadonlyMap<ShardSource, Uint32Array> {
  const counts = new Map<ShardSource, number>();
  for (const { source } of members) counts.set(source, (counts.get(source) ?? 0) + 1);
  const places = new Map([...counts].map(([source, count]) => [source, new Uint32Array(count)]));
  counts.clear();
  for (let place = 0; place < members.length; place++) {
    const { source } = must(members[place], 'a member for each place');
    const at = counts.get(source) ?? 0;
    must(places.get(source), 'all shards were counted')[at] = place;
    counts.set(source, at + 1);
  }
  return places;
}

/** Those of several shards, in the order of the members. */
function placesOf(
  shards: ReadonlyMap<ShardSource, Uint32Array>,
  span: readonly ShardSource[],
): Uint32Array {
  const lists = span.flatMap((source) => shards.get(source) ?? []);
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return only;
  const places = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    places.set(list, at);
    at += list.length;
  }
  return places.sort();
}

function streamOfChunks(chunks: Iterator<RowChunk>): ChunkStream {
  return {
    next() {
      const next = chunks.next();
      if (next.done === true) return undefined;
      return next.value.timesNs.length === 0 ? 'pause' : next.value;
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
function memberStream(plan: Plan, member: MemberSeries): ChunkStream {
  const { context, task } = plan;
  let opened: OpenSeries | undefined;
  let isEmpty = false;
  let tags: SeriesTags | undefined;
  return {
    next(): RowChunk | 'pause' | undefined {
      if (isEmpty) return undefined;
      // Not before it is asked for rows: there may be enough without it.
      opened ??= openSeries(plan, member);
      if (opened === undefined) {
        isEmpty = true;
        return undefined;
      }
      const { rows, present } = opened;
      for (let round = 0; ; round++) {
        if (round === roundsMax) return 'pause';
        context.check();
        const chunk = rows.next();
        if (chunk === undefined || chunk === 'pause') return chunk;
        tags ??= tagsOf(task, member);
        const shaped = shape(chunk, task, present, tags);
        if (shaped.timesNs.length > 0) return shaped;
      }
    },
  };
}

/** The rows of a series that pass its predicate, with the columns `present`. */
interface OpenSeries {
  readonly rows: { next(): RowChunk | 'pause' | undefined };
  readonly present: PresentColumns;
}

/** Undefined when the series has none of the fields. */
function openSeries(plan: Plan, member: MemberSeries): OpenSeries | undefined {
  const { fragment, task, context, stored } = plan;
  const { source, seriesId, residual, residualFields } = member;
  const fieldTypes = must(stored.get(source), 'all shards were asked for their fields');
  const wanted = presentFields(plan, source, fieldTypes);
  if (wanted.names.length === 0) return undefined;
  const typeOf = (name: string) => fieldTypes.get(name) ?? 'float';
  const { ascending } = fragment;
  const open = (field: string, bounds: ReadBounds) => source.openCursor({ seriesId, field, ascending, ...bounds }); // prettier-ignore
  const rowsOf = (fields: readonly string[], bounds: ReadBounds): SeriesRows => {
    const cursors = fields.map((field) => open(field, bounds));
    return new SeriesRows(cursors, fields.map(typeOf), context.arena, ascending);
  };
  const present = residual === undefined ? wanted : withLead(residualFields, wanted.names, { task, fieldTypes }); // prettier-ignore
  const { names } = present;
  const { minTimeNs, maxTimeNs } = fragment;
  const bounds = { minTimeNs, maxTimeNs, rowsFirst: rowsFirstOf(task) };
  if (residual === undefined) {
    const request = { seriesId, ascending, minTimeNs, maxTimeNs };
    const rowsWithin = (within: ReadBounds) => rowsOf(names, within);
    const rows =
      bounds.rowsFirst === 1
        ? new EndRow({ source, names, typeOf, request, rowsWithin }, context)
        : rowsWithin(bounds);
    return { rows: countedRows(rows, context), present };
  }
  const ownCount = residualFields.filter((name) => fieldTypes.has(name)).length;
  const leadCount = ownCount > 0 && needsItsFields(residual, context) ? ownCount : names.length;
  const leadNames = names.slice(0, leadCount);
  const lateNames = names.slice(leadCount);
  const fields = {
    lead: rowsOf(leadNames, bounds),
    leadNames,
    hasLate: lateNames.length > 0,
    openLate: (minTimeNs: bigint, maxTimeNs: bigint) =>
      lateNames.map((name) => ({ type: typeOf(name), cursor: open(name, { minTimeNs, maxTimeNs }) })), // prettier-ignore
    predicate: residual,
    ascending,
  };
  return { rows: new FilteredSeries(fields, context), present };
}

function presentFields(
  { task, present }: Plan,
  source: ShardSource,
  fieldTypes: ReadonlyMap<string, ColumnType>,
): PresentColumns {
  const known = present.get(source);
  if (known !== undefined) return known;
  const wanted = task.columns.flatMap((column) => (column.kind === 'field' ? column.name : []));
  const isTaken = countedColumns(task).some((column) => {
    const own = fieldTypes.get(column.name);
    if (column.kind !== 'field' || own === undefined) return false;
    return own === column.type || isConvertible(own, column.type);
  });
  const columns = withLead([], isTaken ? wanted : [], { task, fieldTypes });
  present.set(source, columns);
  return columns;
}

/** The columns of which a row has to have one. */
function countedColumns({ columns, neededColumn }: RowsTask): RowsTask['columns'] {
  return neededColumn === undefined ? columns : columns.slice(neededColumn, neededColumn + 1);
}

/** Those that a shard has. */
function withLead(
  lead: readonly string[],
  wanted: readonly string[],
  { task, fieldTypes }: { readonly task: RowsTask; readonly fieldTypes: ReadonlyMap<string, ColumnType> }, // prettier-ignore
): PresentColumns {
  const names = [...new Set([...lead, ...wanted])].filter((name) => fieldTypes.has(name));
  const placeByName = new Map(names.map((name, i) => [name, i]));
  const places = task.columns.map(({ kind, name }) => kind === 'field' ? (placeByName.get(name) ?? -1) : -1); // prettier-ignore
  return { names, places };
}

type ReadBounds = Pick<CursorRequest, 'minTimeNs' | 'maxTimeNs' | 'rowsFirst'>;

function countedRows(rows: Pick<SeriesRows, 'next'>, context: FragmentContext): OpenSeries['rows'] {
  return {
    next() {
      const chunk = rows.next();
      if (chunk !== undefined) context.countPoints(chunk.timesNs.length);
      return chunk;
    },
  };
}

function shape(
  chunk: RowChunk,
  task: RowsTask,
  { places }: PresentColumns,
  tags: SeriesTags,
): RowChunk {
  const rows = rowsWithValue(chunk, task, places);
  const count = rows?.length ?? chunk.timesNs.length;
  const columns = task.columns.map((column, at): Column => {
    if (column.kind === 'tag') return repeatTag(tags[at], count);
    const from = chunk.columns[places[at] ?? -1];
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

/** Rows in which at least one field that counts has a value; undefined when that is all of them. */
function rowsWithValue(
  chunk: RowChunk,
  task: RowsTask,
  places: readonly number[],
): readonly number[] | undefined {
  const firstAt = task.neededColumn ?? 0;
  const wanted = countedColumns(task).flatMap((column, i) => {
    if (column.kind !== 'field') return [];
    const from = chunk.columns[places[firstAt + i] ?? -1];
    const isThere = from !== undefined && (from.type === column.type || isConvertible(from.type, column.type)); // prettier-ignore
    return isThere ? [from] : [];
  });
  if (wanted.some((column) => column.valid === undefined)) return undefined;
  const rows: number[] = [];
  for (let row = 0; row < chunk.timesNs.length; row++)
    if (wanted.some((column) => column.valid?.[row] === 1)) rows.push(row);
  return rows;
}

/** By column of the task; undefined for a tag that the series lacks, and for fields. */
type SeriesTags = readonly (Uint8Array | undefined)[];

function tagsOf({ columns }: RowsTask, { series }: MemberSeries): SeriesTags {
  return columns.map(({ kind, name }) => {
    const value = kind === 'tag' ? series.tag(name) : undefined;
    return value === undefined ? undefined : exactBytesOf(value);
  });
}

/** A tag is the same in each row of a series; null in those of one that lacks it. */
function repeatTag(text: Uint8Array | undefined, count: number): Column {
  if (count > 1 || text === undefined) return new RepeatedText(text, count);
  const offsets = Uint32Array.of(0, text.length);
  return { type: 'string', values: { offsets, bytes: new Uint8Array(text) } };
}
