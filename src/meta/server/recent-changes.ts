/**
 * The latest accepted commands, for those who hold a copy of the catalog a little older than this one's.
 *
 * Invariants:
 * - Holds every accepted command with an index above `fromIndex`.
 * - Never more than `countMax` of them, nor `bytesMax` bytes, unless one alone is larger.
 */
import type { CatalogChange } from '../apply/catalog-changes.ts';

const countMax = 16_384;
const bytesMax = 8 << 20;
/** Of one message to a watcher. */
const messageBytesMax = 1 << 20;

export class RecentChanges {
  #changes: CatalogChange[] = [];
  #bytes = 0;
  #fromIndex = 0;

  /** A snapshot has replaced everything: what led to it is not known. */
  reset(index: number): void {
    this.#changes = [];
    this.#bytes = 0;
    this.#fromIndex = index;
  }

  add(change: CatalogChange): void {
    this.#changes.push(change);
    this.#bytes += change.command.length;
    if (this.#changes.length > 2 * countMax || this.#bytes > 2 * bytesMax) this.#forget();
  }

  /**
   * Changes after `index`, as many as fit a message; undefined when some of them are forgotten. `isAll` says that no
   * later ones are left.
   */
  since(
    index: number,
  ): { readonly changes: readonly CatalogChange[]; readonly isAll: boolean } | undefined {
    if (index < this.#fromIndex) return undefined;
    const first = this.#placeAfter(index);
    let end = first;
    for (let bytes = 0; end < this.#changes.length; end++) {
      bytes += this.#changes[end]?.command.length ?? 0;
      if (bytes > messageBytesMax && end > first) break;
    }
    return { changes: this.#changes.slice(first, end), isAll: end === this.#changes.length };
  }

  #placeAfter(index: number): number {
    let [low, high] = [0, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.index ?? Infinity) <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Half at a time, so that a change costs the same however many there are. */
  #forget(): void {
    let place = 0;
    let bytes = this.#bytes;
    while (
      place < this.#changes.length - 1 &&
      (this.#changes.length - place > countMax || bytes > bytesMax)
    ) {
      bytes -= this.#changes[place]?.command.length ?? 0;
      place++;
    }
    this.#fromIndex = this.#changes[place - 1]?.index ?? this.#fromIndex;
    this.#changes = this.#changes.slice(place);
    this.#bytes = bytes;
  }
}
