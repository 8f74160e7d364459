import type { QueryAccount } from './query-account.ts';

/** What a key costs beside its characters, in a set. */
const keyBytes = 64;

/** Keys of series as they are listed, each once. Of millions of series they are most of what a query holds: charged as they come, until they are let go. */
export class ListedKeys {
  readonly keys = new Set<string>();
  readonly #account: Pick<QueryAccount, 'charge' | 'release'>;
  #heldBytes = 0;

  constructor(account: Pick<QueryAccount, 'charge' | 'release'>) {
    this.#account = account;
  }

  /** Throws `limit_exceeded`. */
  add(keys: readonly string[]): void {
    let bytes = 0;
    for (const key of keys) {
      if (this.keys.has(key)) continue;
      this.keys.add(key);
      bytes += key.length + keyBytes;
    }
    this.#account.charge(bytes);
    this.#heldBytes += bytes;
  }

  letGo(): void {
    this.keys.clear();
    this.#account.release(this.#heldBytes);
    this.#heldBytes = 0;
  }
}
