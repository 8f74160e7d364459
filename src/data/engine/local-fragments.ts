/** Fragments on the workers of this node, each over shards of one lane. */
import type { EngineLink } from '../../env/engine-host.ts';
import type { Fragment } from '../../query/fragment.ts';
import { packAlike } from '../../query/fragment-run.ts';
import type { PackedBatch } from './block-replies.ts';
import { FragmentTexts } from './known-fragments.ts';
import { unpackBlocks, type PackedBlocks } from './packed-blocks.ts';
import type { AccessOptions, FragmentBlock, RunBatch, SentBlocks } from './shard-access.ts';

export class LocalFragments {
  readonly #linkOfLane: (shardIds: readonly number[]) => EngineLink;
  readonly #texts = new FragmentTexts();

  constructor(linkOfLane: (shardIds: readonly number[]) => EngineLink) {
    this.#linkOfLane = linkOfLane;
  }

  async *fragment(
    fragment: Fragment,
    { signal }: AccessOptions,
  ): AsyncGenerator<readonly FragmentBlock[]> {
    const link = this.#linkOfLane(fragment.shardIds);
    for await (const batch of link.stream('fragment', this.#texts.bodyOf(fragment), { signal }))
      yield unpackBlocks(batch as PackedBlocks);
  }

  sentFragment(fragment: Fragment, { signal }: AccessOptions): AsyncIterable<SentBlocks> {
    const link = this.#linkOfLane(fragment.shardIds);
    const blocks = link.stream('sent-fragment', this.#texts.bodyOf(fragment), { signal });
    return blocks as AsyncIterable<SentBlocks>;
  }

  async *fragmentRun(
    fragments: readonly Fragment[],
    { signal }: AccessOptions,
  ): AsyncGenerator<RunBatch> {
    const link = this.#linkOfLane(fragments[0]?.shardIds ?? []);
    for await (const batch of link.stream('fragment-run', packAlike(fragments), { signal })) {
      const { ends = [], ...packed } = batch as PackedBatch;
      yield { blocks: unpackBlocks(packed), ends };
    }
  }

  sentFragmentRun(
    fragments: readonly Fragment[],
    { signal }: AccessOptions,
  ): AsyncIterable<SentBlocks> {
    const link = this.#linkOfLane(fragments[0]?.shardIds ?? []);
    const blocks = link.stream('sent-fragment-run', packAlike(fragments), { signal });
    return blocks as AsyncIterable<SentBlocks>;
  }
}
