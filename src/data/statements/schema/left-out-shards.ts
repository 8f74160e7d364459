/** Shards that a list is without, as nobody answers for them. Whoever asked is told: the reference leaves them out without a word (F58). */
import type { ResultMessage } from '../../../query/emit/result.ts';

/** Of more the number alone is told. */
const namedMax = 10;

export class LeftOutShards {
  readonly #ids = new Set<number>();

  /** A list that is read again may be without the same shard again. */
  add(shardId: number): void {
    this.#ids.add(shardId);
  }

  get messages(): readonly ResultMessage[] {
    if (this.#ids.size === 0) return [];
    const ids = [...this.#ids].toSorted((one, other) => one - other);
    const named = ids.slice(0, namedMax).join(', ');
    const more = ids.length > namedMax ? ` and ${ids.length - namedMax} more` : '';
    const text = `the list is without shards that no owner answers for: ${named}${more}`;
    return [{ level: 'warning', text }];
  }
}
