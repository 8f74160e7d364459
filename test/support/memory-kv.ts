import { compareUtf8 } from '../../src/base/compare-utf8.ts';
import type { KvOperation, KvRange, KvStore } from '../../src/env/kv.ts';

/** A store in memory that a test can look into and hold up. */
export class MemoryKv implements KvStore {
  readonly values = new Map<string, Uint8Array>();
  /** Of each batch, whether it was synced. */
  readonly syncs: boolean[] = [];
  /** Batches wait for it. */
  gate: Promise<unknown> = Promise.resolve();

  get(key: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.values.get(key));
  }

  async batch(
    operations: readonly KvOperation[],
    { sync }: { readonly sync: boolean },
  ): Promise<void> {
    // prettier-ignore
    await this.gate;
    this.syncs.push(sync);
    for (const operation of operations)
      if (operation.kind === 'put') this.values.set(operation.key, operation.value);
      else this.values.delete(operation.key);
  }

  range({ gte, lt, reverse = false, limit = Infinity }: KvRange): ReturnType<KvStore['range']> {
    const isWithin = (key: string): boolean =>
      compareUtf8(key, gte) >= 0 && compareUtf8(key, lt) < 0;
    const found = [...this.values].filter(([key]) => isWithin(key));
    found.sort(([a], [b]) => compareUtf8(a, b));
    if (reverse) found.reverse();
    return Promise.resolve(found.slice(0, limit));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
