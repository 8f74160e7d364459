/**
 * Windows of many groups of few series each, as `GROUP BY host` makes them: groups one behind the other share a table with a
 * column for each of them and field, so that their series are added together. Twin: group after group, which takes what is left to
 * it here: groups of which a series could not be added with others.
 */
import type { QueryKernel } from '../../kernels/query-kernel.ts';
import type { NumberType, WindowColumn, WindowTable } from '../../kernels/window-table.ts';
import type { Fragment, WindowsBlock } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { foldRun, RunPace, runSeriesMax } from './fold-members.ts';
import type { Group, MemberSeries } from './groups.ts';
import { summaryOf, type Grid } from './window-grid.ts';

/** Of all groups that share a table: a third of a megabyte, which is emptied for the next ones. */
const cellsMax = 4_096;
/** Series of a group that is read with others at the most. */
const membersMax = 16;

export interface GroupColumns {
  readonly fragment: Pick<Fragment, 'minTimeNs' | 'maxTimeNs'>;
  readonly grid: Grid;
  /** Of the fields of one group. */
  readonly columns: readonly (WindowColumn & { readonly type: NumberType })[];
  readonly names: readonly string[];
  /** All shards, in the order in which those of a group are read where they are of one series. */
  readonly sources: readonly ShardSource[];
}

export class GroupRuns {
  readonly #of: GroupColumns;
  readonly #kernel: QueryKernel;
  readonly #groupsMax: number;
  readonly #table: WindowTable;
  /** Of the arena, from before the table. */
  readonly #mark: number;
  readonly #pace = new RunPace();
  readonly #places: ReadonlyMap<ShardSource, number>;

  private constructor(of: GroupColumns, kernel: QueryKernel, groupsMax: number) {
    this.#of = of;
    this.#kernel = kernel;
    this.#groupsMax = groupsMax;
    this.#places = new Map(of.sources.map((source, place) => [source, place]));
    this.#mark = kernel.arena.mark();
    const all = Array.from({ length: groupsMax }, () => of.columns).flat();
    this.#table = kernel.windowTable(all, of.grid.cells);
    this.#table.takeRuns();
  }

  /** Undefined where windows are too many for groups to share a table. What it takes of the arena lives until release(). */
  static of(of: GroupColumns, kernel: QueryKernel): GroupRuns | undefined {
    const { grid, columns } = of;
    const room = Math.floor(cellsMax / (grid.cells.count * columns.length));
    const groupsMax = Math.min(room, runSeriesMax);
    return groupsMax < 2 ? undefined : new GroupRuns(of, kernel, groupsMax);
  }

  release(): void {
    this.#kernel.arena.release(this.#mark);
  }

  /** That share a table at the most. */
  get groupsMax(): number {
    return this.#groupsMax;
  }

  /** How many groups from `from` on are read together; with less than two none is. */
  countFrom(groups: readonly Group[], from: number): number {
    const end = Math.min(from + this.#groupsMax, groups.length);
    let members = 0;
    let at = from;
    for (; at < end; at++) {
      const group = groups[at];
      if (group === undefined || !this.#isSmall(group)) break;
      members += group.members.length;
      if (members > runSeriesMax) break;
    }
    return at - from;
  }

  /** A block of each of the groups, which are of these measurements; undefined for one that is to be read alone. */
  *summarize(
    groups: readonly Group[],
    measurements: readonly string[],
    context: FragmentContext,
  ): Generator<undefined, readonly (WindowsBlock | undefined)[]> {
    const { grid, columns } = this.#of;
    const table = this.#table;
    table.clear();
    const left = new Set<number>();
    const met = new Set(groups.flatMap(({ members }) => members.map((one) => one.source)));
    for (const source of this.#of.sources) {
      if (!met.has(source)) continue;
      const members: MemberSeries[] = [];
      const owners: number[] = [];
      for (const [i, group] of groups.entries())
        for (const member of group.members)
          if (member.source === source) {
            members.push(member);
            owners.push(i);
          }
      yield* this.#foldAll(members, owners, { measurements, left, context });
    }
    return groups.map(({ key }, i) => {
      if (left.has(i)) return undefined;
      const packed = table.finish(i * columns.length, (i + 1) * columns.length);
      const fields = packed.map((one, k) =>
        summaryOf(columns[k]?.type ?? 'float', one, grid.label),
      );
      return { kind: 'windows', group: key, fields };
    });
  }

  *#foldAll(
    members: readonly MemberSeries[],
    owners: readonly number[],
    { measurements, left, context }: { readonly measurements: readonly string[]; readonly left: Set<number>; readonly context: FragmentContext }, // prettier-ignore
  ): Generator<undefined, void> {
    const { names, fragment, columns } = this.#of;
    const { minTimeNs, maxTimeNs } = fragment;
    const table = this.#table;
    const ids = Uint32Array.from(members, ({ seriesId }) => seriesId);
    const bases = Uint32Array.from(owners, (owner) => owner * columns.length);
    const source = members[0]?.source;
    if (source === undefined) return;
    const pace = this.#pace;
    for (let at = 0; at < ids.length;) {
      context.check();
      const some = {
        names,
        measurements,
        minTimeNs,
        maxTimeNs,
        table,
        columns: bases.subarray(at),
      };
      const asked = ids.subarray(at, at + pace.size);
      const folded = foldRun(source, asked, some, context);
      at += folded;
      const end = at + pace.aloneBehind(folded, asked.length);
      for (const owner of owners.slice(at, end)) left.add(owner);
      at = end;
      yield undefined;
    }
  }

  /** Few series, of which no row has to be looked at, and which sums take shard after shard in the order of all. */
  #isSmall({ members }: Group): boolean {
    if (members.length > membersMax) return false;
    let last = -1;
    for (const { source, residual } of members) {
      if (residual !== undefined || source.foldMany === undefined) return false;
      const place = this.#places.get(source) ?? -1;
      if (place < last) return false;
      last = place;
    }
    return true;
  }
}
