import type { Column } from '../column.ts';
import { costColumns, type CostRow } from '../cost-rows.ts';
import type { CostsTask, Fragment, RowsBlock } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import { isConvertible } from './columns/column-builder.ts';
import type { FragmentContext } from './context.ts';
import { groupSeries, type MemberSeries } from './groups.ts';

/** So many series, then others may run. */
const sliceSeries = 256;

type Counts = { -readonly [Key in keyof CostRow]: CostRow[Key] };

/**
 * What reading would cost, for EXPLAIN: one block a shard that has the measurement, with a row for its series, one for each
 * field that is read and one for each field that only conditions read. No point is read.
 */
export function* runCosts(
  fragment: Fragment,
  task: CostsTask,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<RowsBlock | undefined> {
  for (const source of sources) {
    const types = new Map(source.fields(fragment.measurement).map(({ name, type }) => [name, type])); // prettier-ignore
    if (types.size === 0) continue;
    const series = countsOf(source, 'series', '');
    const rows: Counts[] = [series];
    const read = task.fields.flatMap(({ name, type }) => {
      const own = types.get(name);
      const isThere = own !== undefined && (own === type || isConvertible(own, type));
      return isThere ? [{ ...countsOf(source, 'read', name), type: own }] : [];
    });
    rows.push(...read);
    const conditions = new Map<string, Counts>();
    const [group] = yield* groupSeries({ ...fragment, groupBy: [] }, [source], context);
    for (const [i, member] of (group?.members ?? []).entries()) {
      context.check();
      series.cursorCount++;
      for (const counts of read) addCost(counts, member, fragment);
      for (const name of member.residualFields) {
        const type = types.get(name);
        if (type === undefined) continue;
        const known = conditions.get(name) ?? { ...countsOf(source, 'condition', name), type };
        conditions.set(name, known);
        addCost(known, member, fragment);
      }
      if (i % sliceSeries === sliceSeries - 1) yield undefined;
    }
    rows.push(...conditions.values());
    yield blockOf(costColumns(rows), rows.length);
  }
}

function countsOf({ shardId }: ShardSource, role: CostRow['role'], field: string): Counts {
  return { shardId, role, field, type: 'float', cursorCount: 0, cachedValues: 0, fileCount: 0, blockCount: 0, blockBytes: 0 }; // prettier-ignore
}

function addCost(counts: Counts, { source, seriesId }: MemberSeries, fragment: Fragment): void {
  const { minTimeNs, maxTimeNs } = fragment;
  const cost = source.cost({ seriesId, field: counts.field, minTimeNs, maxTimeNs });
  counts.cursorCount++;
  counts.cachedValues += cost.cachedValues;
  counts.fileCount += cost.fileCount;
  counts.blockCount += cost.blockCount;
  counts.blockBytes += cost.blockBytes;
}

function blockOf(columns: readonly Column[], count: number): RowsBlock {
  return { kind: 'rows', group: [], timesNs: new BigInt64Array(count), columns };
}
