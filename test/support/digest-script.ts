/** Digests of the shard of store-script.ts as a worker makes them: kept ones, and those that are read from nothing. */
import { vi } from 'vitest';
import { sumWords } from '../../src/data/engine/digests/hash-values.ts';
import { KeptDigests } from '../../src/data/engine/digests/kept-digests.ts';
import { digestShard } from '../../src/data/engine/digests/shard-digest.ts';
import type { Env } from '../../src/env/env.ts';
import { QueryKernel } from '../../src/kernels/query-kernel.ts';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import type { DigestRange } from '../../src/models/digest-grid.ts';
import type { Store } from '../../src/storage/store/store.ts';
import { TsmFile } from '../../src/storage/tsm/tsm-file.ts';
import { kept } from './store-script.ts';

export class DigestedStore {
  readonly store: Store;
  readonly digests: KeptDigests;
  readonly #range: DigestRange;
  readonly #kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 24 });

  constructor(store: Store, { disk, clock }: Pick<Env, 'disk' | 'clock'>, range: DigestRange) {
    this.store = store;
    this.digests = new KeptDigests({ disk, clock });
    this.#range = range;
  }

  /** As a worker answers; `between` runs after each step. Undefined where there is no such shard. */
  async digest(
    between: () => Promise<void> = () => Promise.resolve(),
  ): Promise<string | undefined> {
    const { shardId } = kept;
    const content = this.store.content(shardId);
    const task = { shardId, ...this.#range, isAnew: false };
    if (content !== undefined) await this.digests.load(task, content);
    const view = this.store.view(shardId);
    if (view === undefined || content === undefined) return undefined;
    let words: Uint32Array | undefined;
    try {
      for (const one of this.digests.digest(
        task,
        { view, shard: content.shard },
        this.#kernel.arena,
      )) {
        words = one ?? words;
        await between();
      }
      await this.digests.save(shardId, content);
    } finally {
      view.release();
    }
    return words && textOf(words);
  }

  /** What reading all of it gives. */
  fromNothing(): string | undefined {
    const view = this.store.view(kept.shardId);
    if (view === undefined) return undefined;
    let words: Uint32Array | undefined;
    for (const one of digestShard(view, this.#range, this.#kernel.arena)) words = one ?? words;
    view.release();
    return words && textOf(words);
  }
}

/** Parts with their numbers, of those that have any. */
function textOf(words: Uint32Array): string {
  const parts: string[] = [];
  for (let at = 0; at < words.length; at += sumWords)
    if (words[at] !== 0) parts.push(`${at / sumWords}:${words.subarray(at, at + sumWords).join()}`);
  return parts.join(' ');
}

/** How many blocks of files are read while `work` runs. */
export async function blocksRead(work: () => Promise<unknown>): Promise<number> {
  const read = vi.spyOn(TsmFile.prototype, 'block');
  try {
    await work();
    return read.mock.calls.length;
  } finally {
    read.mockRestore();
  }
}
