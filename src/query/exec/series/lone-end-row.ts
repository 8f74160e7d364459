/**
 * The row of a group of one series where no other row of it is wanted (LIMIT 1): made of what the shard says of the series' end,
 * without streams that nobody goes on with. Twin: the way of all rows (run-rows.ts), for what is not as plain as that.
 */
import { exactBytesOf } from '../../../base/exact-text.ts';
import type { Column, ColumnType } from '../../column.ts';
import type { Fragment, RowsBlock, RowsTask } from '../../fragment.ts';
import type { ShardSource } from '../../source.ts';
import { columnOfOne, nullColumn } from '../columns/column-builder.ts';
import type { FragmentContext } from '../context.ts';
import type { Group, MemberSeries } from '../groups.ts';

/** What is read of the series of a shard. */
export interface LoneFields {
  readonly names: readonly string[];
  /** Where among the names each column of the task is; -1 for tags and where the shard has none. */
  readonly places: readonly number[];
  readonly typeOf: (name: string) => ColumnType;
}

export class LoneEndRows {
  readonly #fragment: Fragment;
  readonly #task: RowsTask;
  readonly #context: FragmentContext;
  readonly #fieldsOf: (source: ShardSource) => LoneFields;
  readonly #texts = new TextCells();
  /** Of the shard that was asked last. */
  #last: { readonly source: ShardSource; readonly fields: LoneFields } | undefined;

  private constructor(
    { fragment, task }: { readonly fragment: Fragment; readonly task: RowsTask },
    context: FragmentContext,
    fieldsOf: (source: ShardSource) => LoneFields,
  ) {
    this.#fragment = fragment;
    this.#task = task;
    this.#context = context;
    this.#fieldsOf = fieldsOf;
  }

  /** Undefined where more than a row may be wanted, some fields do not count, or rows say which series they are of. */
  static of(
    plan: { readonly fragment: Fragment; readonly task: RowsTask },
    context: FragmentContext,
    fieldsOf: (source: ShardSource) => LoneFields,
  ): LoneEndRows | undefined {
    const { rowsMax, neededColumn, showsSeries } = plan.task;
    if (rowsMax !== 1 || neededColumn !== undefined || showsSeries === true) return undefined;
    return new LoneEndRows(plan, context, fieldsOf);
  }

  /** Undefined when that row has to be looked for the general way. */
  block({ key, members }: Group): RowsBlock | undefined {
    const [member] = members;
    if (member === undefined || members.length > 1 || member.residual !== undefined) return undefined; // prettier-ignore
    const { source, seriesId } = member;
    if (this.#last?.source !== source) this.#last = { source, fields: this.#fieldsOf(source) };
    const { fields } = this.#last;
    if (fields.names.length === 0 || source.endRow === undefined) return undefined;
    const { ascending, minTimeNs, maxTimeNs } = this.#fragment;
    const { arena } = this.#context;
    const mark = arena.mark();
    const request = { seriesId, fields: fields.names, ascending, minTimeNs, maxTimeNs };
    const row = source.endRow(request, arena);
    arena.release(mark);
    const columns = row && this.#columns(row.values, fields, member);
    if (row === undefined || columns === undefined) return undefined;
    this.#context.check();
    this.#context.countPoints(1);
    return { kind: 'rows', group: key, timesNs: BigInt64Array.of(row.timeNs), columns };
  }

  /** Undefined when a value is not of the type that is asked for. */
  #columns(
    values: readonly (Parameters<typeof columnOfOne>[0] | undefined)[],
    { names, places, typeOf }: LoneFields,
    { series }: MemberSeries,
  ): readonly Column[] | undefined {
    const { columns: asked } = this.#task;
    const columns: Column[] = [];
    for (let i = 0; i < asked.length; i++) {
      const column = asked[i];
      if (column === undefined) continue;
      if (column.kind === 'tag') {
        columns.push(this.#texts.of(series.tag(column.name)));
        continue;
      }
      const place = places[i] ?? -1;
      const value = place < 0 ? undefined : values[place];
      if (value === undefined) {
        columns.push(nullColumn(column.type, 1));
        continue;
      }
      if (typeOf(names[place] ?? '') !== column.type) return undefined;
      columns.push(columnOfOne(value, column.type));
    }
    return columns;
  }
}

/** Longer ones may move to another thread with their column. */
const textLengthMax = 256;
const textCountMax = 1_024;

/** Columns of one text, those of the last values of tags: many series have the same. */
class TextCells {
  readonly #known = new Map<string, Column>();
  readonly #missing = nullColumn('string', 1);

  of(text: string | undefined): Column {
    if (text === undefined) return this.#missing;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const bytes = exactBytesOf(text);
    const column: Column = { type: 'string', values: { offsets: Uint32Array.of(0, bytes.length), bytes } }; // prettier-ignore
    if (text.length <= textLengthMax && this.#known.size < textCountMax)
      this.#known.set(text, column);
    return column;
  }
}
