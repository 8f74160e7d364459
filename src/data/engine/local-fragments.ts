/** Fragments on the workers of this node, each over shards of one lane. */
import { DbError } from '../../base/errors.ts';
import type { EngineLink } from '../../env/engine-host.ts';
import type { Fragment } from '../../query/fragment.ts';
import { packAlike } from '../../query/fragment-run.ts';
import type { PackedBatch, ReadAt } from './block-replies.ts';
import { FragmentTexts } from './known-fragments.ts';
import { unpackBlocks } from './packed-blocks.ts';
import type {
  AccessOptions,
  FragmentBlock,
  FragmentOptions,
  RunBatch,
  SentBlocks,
} from './shard-access.ts';

export interface LocalFragmentsPorts {
  readonly linkOfLane: (shardIds: readonly number[]) => EngineLink;
  /** The worker of a lane says which version its schemas are of, which may be before any write has said so. */
  readonly schemasHeard: (shardIds: readonly number[], schemaVersion: number) => void;
  /** The mark of a description that is given now. */
  readonly mark: () => string;
}

export class LocalFragments {
  readonly #ports: LocalFragmentsPorts;
  readonly #texts = new FragmentTexts();

  constructor(ports: LocalFragmentsPorts) {
    this.#ports = ports;
  }

  async *fragment(
    fragment: Fragment,
    options: FragmentOptions,
  ): AsyncGenerator<readonly FragmentBlock[]> {
    const asked = { kind: 'fragment', body: this.#texts.bodyOf(fragment) };
    for await (const batch of this.#replies(fragment.shardIds, asked, options))
      yield unpackBlocks(batch as PackedBatch);
  }

  sentFragment(fragment: Fragment, options: AccessOptions): AsyncIterable<SentBlocks> {
    const asked = { kind: 'sent-fragment', body: this.#texts.bodyOf(fragment) };
    return this.#replies(fragment.shardIds, asked, options) as AsyncIterable<ReadAt & SentBlocks>;
  }

  async *fragmentRun(
    fragments: readonly Fragment[],
    options: FragmentOptions,
  ): AsyncGenerator<RunBatch> {
    const asked = { kind: 'fragment-run', body: packAlike(fragments) };
    for await (const batch of this.#replies(fragments[0]?.shardIds ?? [], asked, options)) {
      const { ends = [], ...packed } = batch as PackedBatch;
      yield { blocks: unpackBlocks(packed), ends };
    }
  }

  sentFragmentRun(
    fragments: readonly Fragment[],
    options: AccessOptions,
  ): AsyncIterable<SentBlocks> {
    const asked = { kind: 'sent-fragment-run', body: packAlike(fragments) };
    const replies = this.#replies(fragments[0]?.shardIds ?? [], asked, options);
    return replies as AsyncIterable<ReadAt & SentBlocks>;
  }

  /** A plan is of the schemas that show in what is read, or nothing of it is given out. */
  async *#replies(
    shardIds: readonly number[],
    { kind, body }: { readonly kind: string; readonly body: unknown },
    { signal, describedAt }: FragmentOptions,
  ): AsyncGenerator<ReadAt> {
    const { linkOfLane, schemasHeard, mark } = this.#ports;
    const link = linkOfLane(shardIds);
    for await (const reply of link.stream(kind, body, { signal }) as AsyncIterable<ReadAt>) {
      if (reply.schemaVersion !== undefined) {
        schemasHeard(shardIds, reply.schemaVersion);
        if (describedAt !== undefined && describedAt !== mark())
          throw new DbError('schema_changed', 'the schemas of this node have changed');
      }
      yield reply;
    }
  }
}
