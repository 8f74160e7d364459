import { compareGroups, type GroupKey } from '../fragment.ts';

/** Blocks of one fragment from one place, ordered by group. */
export type BlockStream<Block> = AsyncIterator<Block, undefined>;

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
  async next(): Promise<GroupKey | undefined> {
    if (!this.#started) {
      this.#started = true;
      await Promise.all(this.#lanes.map((lane) => this.#advance(lane)));
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
  blocksOf(group: GroupKey): readonly AsyncIterator<Block, undefined>[] {
    return this.#lanes
      .filter(({ block }) => block !== undefined && compareGroups(block.group, group) === 0)
      .map((lane) => ({
        next: async () => {
          const block = lane.block;
          if (block === undefined || compareGroups(block.group, group) !== 0)
            return { done: true, value: undefined };
          await this.#advance(lane);
          return { done: false, value: block };
        },
      }));
  }

  /** Passes over what is left of a group, as LIMIT may leave much. */
  async skip(group: GroupKey): Promise<void> {
    for (const blocks of this.blocksOf(group)) while ((await blocks.next()).done !== true);
  }

  /** Ends all streams: their senders stop. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(async ({ stream }) => stream.return?.()));
  }

  async #advance(lane: Lane<Block>): Promise<void> {
    const next = await lane.stream.next();
    lane.block = next.done === true ? undefined : next.value;
  }
}
