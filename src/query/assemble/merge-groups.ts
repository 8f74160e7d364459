import { compareGroups, type GroupKey } from '../fragment.ts';
import { settled, type Steps } from '../run/steps.ts';

/** Blocks one after the other, undefined at the end; a promise where the next one is not there yet. */
export interface GroupBlocks<Block> {
  next(): Block | undefined | Promise<Block | undefined>;
}

/** Blocks of one fragment from one place, ordered by group. */
export interface BlockStream<Block> extends GroupBlocks<Block> {
  /** Whoever sends them stops. */
  close(): Promise<void>;
}

interface Lane<Block> {
  readonly stream: BlockStream<Block>;
  readonly order: number;
  block: Block | undefined;
}

/**
 * Walks streams of blocks group by group: for each group, in order, the blocks that all streams have of it. Memory is
 * one group's blocks at the most; `blocksOf` of a group must be read to its end before the next group is asked for.
 */
export class GroupMerge<Block extends { readonly group: GroupKey }> {
  readonly #lanes: Lane<Block>[];
  readonly #sign: number;
  #started = false;

  /** Descending streams bring their groups in descending order too. */
  constructor(streams: readonly BlockStream<Block>[], ascending: boolean) {
    this.#sign = ascending ? 1 : -1;
    this.#lanes = streams.map((stream, order) => ({ stream, order, block: undefined }));
  }

  /** The next group's key; undefined at the end. */
  *next(): Steps<GroupKey | undefined> {
    if (!this.#started) {
      this.#started = true;
      const waits = this.#lanes.flatMap((lane) => this.#advance(lane) ?? []);
      if (waits.length > 0) yield Promise.all(waits);
    }
    let least: GroupKey | undefined;
    for (const { block } of this.#lanes) {
      if (block === undefined) continue;
      if (least === undefined || this.#sign * compareGroups(block.group, least) < 0)
        least = block.group;
    }
    return least;
  }

  /** One iterator per stream that has blocks of `group`. */
  blocksOf(group: GroupKey): readonly GroupBlocks<Block>[] {
    return this.#lanes
      .filter(({ block }) => block !== undefined && compareGroups(block.group, group) === 0)
      .map((lane) => ({
        next: () => {
          const { block } = lane;
          if (block === undefined || compareGroups(block.group, group) !== 0) return undefined;
          return this.#advance(lane)?.then(() => block) ?? block;
        },
      }));
  }

  /** Passes over what is left of a group, as LIMIT may leave much. */
  *skip(group: GroupKey): Steps<void> {
    for (const blocks of this.blocksOf(group))
      while ((yield* settled(blocks.next())) !== undefined);
  }

  /** Ends all streams: their senders stop. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ stream }) => stream.close()));
  }

  /** Undefined when nobody has to wait. */
  #advance(lane: Lane<Block>): Promise<void> | undefined {
    const next = lane.stream.next();
    if (next instanceof Promise)
      return next.then((block) => {
        lane.block = block;
      });
    lane.block = next;
    return undefined;
  }
}
