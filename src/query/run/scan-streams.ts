import { GroupMerge, type BlockStream } from '../assemble/merge-groups.ts';
import type { ColumnType, Column } from '../column.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import type { GroupKey, RowsBlock, WindowsBlock } from '../fragment.ts';
import type { ScanPart, ScanPlan } from '../plan/level-plan.ts';
import { Subgroups, type Batch, type GroupId, type GroupStream } from './batch.ts';
import { mergeBlocks } from './merge-blocks.ts';
import { onPage, seriesPage } from './series-page.ts';
import type { PartsRun, RunContext, ScanShape } from './run-context.ts';
import { settled, type Flow, type Steps } from './steps.ts';

/** Measurements that are asked for together: so many are read ahead of whoever stops. */
const runNamesMax = 64;

type Stream = BlockStream<RowsBlock | WindowsBlock>;

/**
 * The measurements of a scan one after the other, group by group. What the merge of one measurement holds is closed
 * before the next one is opened.
 */
abstract class ScanStream<Block extends RowsBlock | WindowsBlock> {
  readonly subgroups: Subgroups;
  protected readonly shape: ScanShape;
  protected merge: GroupMerge<Block> | undefined;
  protected group: GroupKey | undefined;
  readonly #scan: ScanPlan;
  readonly #context: RunContext;
  #next = 0;
  #run: { readonly opened: PartsRun; readonly start: number; readonly end: number } | undefined;
  protected name = '';

  constructor(scan: ScanPlan, shape: ScanShape, context: RunContext) {
    this.#scan = scan;
    this.#context = context;
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
      yield merge.close();
      this.merge = undefined;
    }
  }

  *#openNext(): Steps<boolean> {
    const at = this.#next++;
    const measurement = this.#scan.names[at];
    if (measurement === undefined) return false;
    this.name = measurement.name;
    this.group = undefined;
    const streams = (yield* this.#streamsOfRun(at)) ?? (yield* this.#streamsOf(measurement.parts));
    this.merge = new GroupMerge(streams as never, this.shape.ascending);
    return true;
  }

  *#streamsOf(parts: readonly ScanPart[]): Steps<readonly Stream[]> {
    const streams: Stream[] = [];
    for (const part of parts) {
      const page = yield* settled(seriesPage(this.#scan, part, this.shape, this.#context));
      if (page?.size === 0) continue;
      const opened = this.#context.open(part);
      streams.push(...(page === undefined ? opened : opened.map((one) => onPage(one, page, this.shape)))); // prettier-ignore
    }
    return streams;
  }

  /** Undefined where each measurement is opened by itself: whoever pages through series leaves many unread. */
  *#streamsOfRun(at: number): Steps<readonly Stream[] | undefined> {
    const { names, seriesLimit, seriesOffset } = this.#scan;
    const { openRun } = this.#context;
    if (openRun === undefined || names.length < 2 || seriesLimit > 0 || seriesOffset > 0)
      return undefined;
    if (this.#run === undefined || at >= this.#run.end) {
      if (this.#run !== undefined) yield this.#run.opened.close();
      const end = Math.min(at + runNamesMax, names.length);
      const parts = names.slice(at, end).map((name) => name.parts);
      this.#run = { opened: openRun(parts.flat()), start: at, end };
    }
    const { opened, start } = this.#run;
    const before = names.slice(start, at).reduce((sum, { parts }) => sum + parts.length, 0);
    return names[at]?.parts.flatMap((_, i) => opened.streams(before + i)) ?? [];
  }

  async close(): Promise<void> {
    await Promise.all([this.merge?.close(), this.#run?.opened.close()]);
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
