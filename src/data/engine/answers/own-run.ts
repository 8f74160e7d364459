/** Blocks of several parts of a plan on the thread that makes them, part after part. */
import type { BlockStream } from '../../../query/assemble/merge-groups.ts';
import { fragmentEnd } from '../../../query/fragment-run.ts';
import type { PartsRun } from '../../../query/run/run-context.ts';
import type { FragmentBlock } from '../shard-access.ts';
import { OwnBlocks } from './own-blocks.ts';

type RunItem = FragmentBlock | typeof fragmentEnd;
export type RunBlocks = Generator<RunItem | undefined>;

export class OwnRun implements PartsRun {
  readonly #items: OwnBlocks<RunItem>;
  /** The part whose blocks come next. */
  #at = 0;

  constructor(...of: ConstructorParameters<typeof OwnBlocks<RunItem>>) {
    this.#items = new OwnBlocks<RunItem>(...of);
  }

  /** What a part before it has left unread is passed over. */
  streams(at: number): readonly BlockStream<FragmentBlock>[] {
    return [{ next: () => this.#next(at), close: () => Promise.resolve() }];
  }

  #next(at: number): FragmentBlock | undefined | Promise<FragmentBlock | undefined> {
    while (this.#at <= at) {
      const item = this.#items.next();
      if (item instanceof Promise) return item.then((one) => this.#taken(one, at) ?? this.#next(at)); // prettier-ignore
      if (item === undefined) return undefined;
      const block = this.#taken(item, at);
      if (block !== undefined) return block;
    }
    return undefined;
  }

  /** Undefined for what is not of the part. */
  #taken(item: RunItem | undefined, at: number): FragmentBlock | undefined {
    if (item === fragmentEnd) this.#at++;
    else if (this.#at === at) return item;
    return undefined;
  }

  close(): Promise<void> {
    return this.#items.close();
  }

  end(): void {
    this.#items.end();
  }
}
