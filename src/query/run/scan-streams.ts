import { GroupMerge } from '../assemble/merge-groups.ts';
import type { ColumnType, Column } from '../column.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import type { GroupKey, RowsBlock, WindowsBlock } from '../fragment.ts';
import type { ScanPlan } from '../plan/level-plan.ts';
import { Subgroups, type Batch, type GroupId, type GroupStream } from './batch.ts';
import { MeasurementStreams } from './measurement-streams.ts';
import { mergeBlocks } from './merge-blocks.ts';
import type { RunContext, ScanShape } from './run-context.ts';
import { settled, type Flow, type Steps } from './steps.ts';

/**
 * The measurements of a scan one after the other, group by group. All of one is read before the next one is opened.
 */
abstract class ScanStream<Block extends RowsBlock | WindowsBlock> {
  readonly subgroups: Subgroups;
  protected readonly shape: ScanShape;
  protected merge: GroupMerge<Block> | undefined;
  protected group: GroupKey | undefined;
  readonly #scan: ScanPlan;
  readonly #streams: MeasurementStreams;
  #next = 0;
  protected name = '';

  constructor(scan: ScanPlan, shape: ScanShape, context: RunContext) {
    this.#scan = scan;
    this.#streams = new MeasurementStreams(scan, shape, context);
    this.shape = shape;
    this.subgroups = new Subgroups(shape.innerTags);
  }

  /** The next group of the blocks, of whatever tags they are grouped by. */
  protected *nextBlocks(): Steps<GroupKey | undefined> {
    for (;;) {
      if (this.merge === undefined && !(yield* this.#openNext())) return undefined;
      const { merge, group } = this;
      if (merge === undefined) return undefined;
      if (group !== undefined) yield* merge.skip(group);
      this.group = yield* merge.next();
      if (this.group !== undefined) return this.group;
      this.merge = undefined;
    }
  }

  *#openNext(): Steps<boolean> {
    const at = this.#next++;
    const measurement = this.#scan.names[at];
    if (measurement === undefined) return false;
    this.name = measurement.name;
    this.group = undefined;
    const streams = yield* this.#streams.of(at);
    this.merge = new GroupMerge(streams as never, this.shape.ascending);
    return true;
  }

  async close(): Promise<void> {
    await this.#streams.close();
  }
}

/** Rows: shards group them by the outermost tags, the others come as columns behind those asked for. */
export class RowsScan extends ScanStream<RowsBlock> implements GroupStream<Batch> {
  readonly #types: readonly ColumnType[];

  /** `types` are those of the columns that were asked for. */
  constructor(
    scan: ScanPlan,
    { types, ...shape }: ScanShape & { readonly types: readonly ColumnType[] },
    context: RunContext,
  ) {
    super(scan, shape, context);
    this.#types = [...types, ...shape.innerTags.map(() => 'string' as const)];
  }

  *next(): Steps<GroupId | undefined> {
    const key = yield* this.nextBlocks();
    return key && { name: this.name, key };
  }

  *rows(): Flow<Batch> {
    const { merge, group } = this;
    if (merge === undefined || group === undefined) return;
    const { ascending, innerTags } = this.shape;
    const wanted = this.#types.length - innerTags.length;
    const blocks = merge.blocksOf(group);
    for (const chunk of mergeBlocks(blocks, { types: this.#types, ascending })) {
      if (chunk instanceof Promise) {
        yield chunk;
        continue;
      }
      yield {
        timesNs: chunk.timesNs,
        columns: innerTags.length === 0 ? chunk.columns : chunk.columns.slice(0, wanted),
        subgroups: this.#subgroupsOf(chunk.columns.slice(wanted), chunk.timesNs.length),
      };
    }
  }

  #subgroupsOf(tags: readonly Column[], count: number): Int32Array | undefined {
    if (tags.length === 0) return undefined;
    const ids = new Int32Array(count);
    for (let row = 0; row < count; row++) {
      const values = tags.map((column) => String(cellValue(column, row) ?? ''));
      ids[row] = this.subgroups.idOf(values);
    }
    return ids;
  }
}

/** What the shards of a group folded, for one of its subgroups. */
export interface FoldedRows {
  readonly subgroup: number;
  readonly blocks: readonly WindowsBlock[];
}

/** Windows: shards group them by all tags of the level, the outermost first; a group is a run of theirs. */
export class WindowsScan extends ScanStream<WindowsBlock> implements GroupStream<FoldedRows> {
  #ahead: GroupId | undefined;
  #isAhead = false;
  #current: GroupId | undefined;

  *next(): Steps<GroupId | undefined> {
    // What the last group still has is passed over.
    if (this.#current !== undefined)
      for (const passed of this.rows()) if (passed instanceof Promise) yield passed;
    if (!this.#isAhead) yield* this.#advance();
    this.#current = this.#ahead;
    return this.#current;
  }

  *rows(): Flow<FoldedRows> {
    const current = this.#current;
    while (current !== undefined && this.#isAhead && this.#ahead === current) {
      const { merge, group } = this;
      if (merge === undefined || group === undefined) return;
      const blocks: WindowsBlock[] = [];
      for (const stream of merge.blocksOf(group))
        for (;;) {
          const block = yield* settled(stream.next());
          if (block === undefined) break;
          blocks.push(block);
        }
      const subgroup = this.subgroups.idOf(group.slice(this.shape.outerTags.length));
      yield* this.#advance();
      yield { subgroup, blocks };
    }
  }

  /** Looks at the next blocks; the id stays the same object within a run. */
  *#advance(): Steps<void> {
    const key = yield* this.nextBlocks();
    this.#isAhead = true;
    const outer = key?.slice(0, this.shape.outerTags.length);
    const before = this.#ahead;
    const isSame =
      before !== undefined &&
      outer !== undefined &&
      before.name === this.name &&
      before.key.every((value, i) => value === outer[i]);
    if (!isSame) this.#ahead = outer && { name: this.name, key: outer };
  }
}
