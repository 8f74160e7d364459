import type { Column } from '../column.ts';
import type { Fragment, WindowRank, WindowsField, WindowsTask, WindowSummary } from '../fragment.ts'; // prettier-ignore
import type { Window } from '../functions/function.ts';
import { GatheredNumbers, type Numbers } from '../functions/gathered-numbers.ts';
import { medianOf, rankOf } from '../functions/ordered-values.ts';
import { valueAtRank } from '../functions/value-at-rank.ts';
import { firstOutside, isInside, windowAt } from '../run/windows.ts';
import type { ColumnBatch, ColumnCursor, ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import type { Group, MemberSeries } from './groups.ts';
import { rowsOfGroups } from './run-rows.ts';
import { checkWindowCount, valuesColumn } from './window-accumulator.ts';
import { emptySummary } from './window-grid.ts';

export interface RankPlan {
  readonly fragment: Fragment;
  readonly task: WindowsTask;
  readonly spans: (end: 'first' | 'last') => readonly (readonly ShardSource[])[];
}

const batchesPerPause = 64;

/**
 * median() and percentile() of a field of a group whose rows are all at hand, window after window in the direction of time: held
 * are the values of one. Rows of one series are taken from its blocks as they are, those of several are merged by time first.
 * `isUsual` says that no row has to be looked at, and none has another type.
 */
export function* rankField(
  plan: RankPlan,
  field: WindowsField & { readonly rank: WindowRank },
  { group, isUsual }: { readonly group: Group; readonly isUsual: boolean },
  context: FragmentContext,
): Generator<undefined, WindowSummary> {
  const windows = new RankedWindows(plan, field, context);
  try {
    const alone = isUsual ? membersInTime(plan, group) : undefined;
    if (alone === undefined) yield* rankRows(plan, field, { group, windows }, context);
    else
      for (const { source, seriesId } of alone) {
        const { minTimeNs, maxTimeNs, ascending } = plan.fragment;
        const cursor = source.openCursor({ seriesId, field: field.name, minTimeNs, maxTimeNs, ascending }); // prettier-ignore
        yield* rankBatches(cursor, windows, context);
      }
    return windows.finish();
  } finally {
    windows.close();
  }
}

/** One after the other where the rows of each end before those of the next begin; undefined otherwise. */
function membersInTime(
  { fragment, spans }: RankPlan,
  { members }: Group,
): readonly MemberSeries[] | undefined {
  if (members.length === 1) return members;
  const found: MemberSeries[] = [];
  for (const span of spans(fragment.ascending ? 'first' : 'last')) {
    const own = members.filter(({ source }) => span.includes(source));
    if (own.length > 1) return undefined;
    found.push(...own);
  }
  return found;
}

function* rankBatches(
  cursor: ColumnCursor,
  windows: RankedWindows,
  context: FragmentContext,
): Generator<undefined, void> {
  const { arena } = context;
  const mark = arena.mark();
  let count = 0;
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    context.check();
    context.countPoints(batch.count);
    const { buffer } = arena.memory;
    windows.add(new BigInt64Array(buffer, batch.timesPtr, batch.count), numbersOf(batch, buffer));
    arena.release(mark);
    if (++count % batchesPerPause === 0) yield undefined;
  }
}

function numbersOf({ type, valuesPtr, count }: ColumnBatch, buffer: ArrayBuffer): Numbers {
  if (type === 'float') return new Float64Array(buffer, valuesPtr, count);
  if (type === 'integer') return new BigInt64Array(buffer, valuesPtr, count);
  return new BigUint64Array(buffer, valuesPtr, count);
}

function* rankRows(
  { fragment, spans }: RankPlan,
  { name, type }: WindowsField,
  { group, windows }: { readonly group: Group; readonly windows: RankedWindows },
  context: FragmentContext,
): Generator<undefined, void> {
  const rows = { kind: 'rows' as const, columns: [{ kind: 'field' as const, name, type }], rowsMax: 0 }; // prettier-ignore
  const rowsOf = rowsOfGroups(fragment, rows, spans('first').flat(), context);
  for (const block of rowsOf(group)) {
    const [column] = block?.columns ?? [];
    if (block !== undefined && column !== undefined) windows.add(block.timesNs, numbersIn(column));
    yield undefined;
  }
}

/** Of a column without gaps: rows without the only field that is asked for are not there. */
function numbersIn(column: Column): Numbers {
  const { type } = column;
  if (type === 'boolean' || type === 'string') return new Float64Array(0);
  return column.values;
}

class RankedWindows {
  readonly #task: WindowsTask;
  readonly #ascending: boolean;
  readonly #field: WindowsField & { readonly rank: WindowRank };
  readonly #context: FragmentContext;
  readonly #gathered = new GatheredNumbers();
  readonly #startsNs: bigint[] = [];
  readonly #values: (number | bigint)[] = [];
  #window: Window | undefined;
  #heldBytes = 0;

  constructor(
    { fragment, task }: RankPlan,
    field: WindowsField & { readonly rank: WindowRank },
    context: FragmentContext,
  ) {
    this.#task = task;
    this.#ascending = fragment.ascending;
    this.#field = field;
    this.#context = context;
  }

  /** Rows in the direction of time; they are copied. */
  add(timesNs: BigInt64Array, values: Numbers): void {
    const { intervalNs, offsetNs } = this.#task;
    for (let row = 0; row < timesNs.length;) {
      const timeNs = timesNs[row] ?? 0n;
      if (this.#window === undefined || !isInside(timeNs, this.#window)) {
        this.#finishWindow();
        this.#window = windowAt(timeNs, { intervalNs, offsetNs, zone: undefined, startNs: 0n, endNs: 0n }); // prettier-ignore
      }
      const end = firstOutside(timesNs, row + 1, this.#window);
      this.#gathered.add(values.subarray(row, end));
      row = end;
    }
    this.#recharge(this.#gathered.heldBytes);
  }

  finish(): WindowSummary {
    this.#finishWindow();
    const { type, rank } = this.#field;
    if (!this.#ascending) {
      this.#startsNs.reverse();
      this.#values.reverse();
    }
    const startsNs = BigInt64Array.from(this.#startsNs);
    const ranked = valuesColumn(rank.kind === 'median' ? 'float' : type, this.#values);
    return {
      ...emptySummary,
      startsNs,
      counts: new BigInt64Array(startsNs.length).fill(1n),
      ranked,
    };
  }

  close(): void {
    this.#recharge(0);
  }

  #finishWindow(): void {
    if (this.#window === undefined || this.#gathered.count === 0) return;
    const values = this.#gathered.take();
    const { rank } = this.#field;
    const value =
      rank.kind === 'median'
        ? medianOf(values)
        : valueAtRank(values, rankOf(values.length, rank.percent) ?? 0);
    this.#startsNs.push(this.#window.startNs);
    this.#values.push(value ?? 0);
    checkWindowCount(this.#startsNs.length);
  }

  #recharge(bytes: number): void {
    this.#context.charge(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }
}
