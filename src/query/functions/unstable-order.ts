/**
 * The order in which the reference's sort leaves values. It is not a stable one, and what stands among equal values shows:
 * percentile() gives the time of the point at a rank, mode() compares times. So the same steps are taken here: the
 * pattern-defeating quicksort of Go's `sort.Sort` since 1.19, over positions instead of the points themselves.
 */

/** Whether element `left` comes before element `right`. */
type Less = (left: number, right: number) => boolean;

/** Up to so many are sorted by insertion. */
const insertionMax = 12;
/** From so many on the pivot is the middle of nine. */
const nintherMin = 50;
/** Shorter ranges are not worth it to be mended by a few insertions. */
const partialMin = 50;
const partialStepsMax = 5;
const pivotSwapsMax = 12;

/** Numbers 0 to `count` - 1 in the order that the reference gives to the elements they stand for. */
export function unstableOrder(count: number, less: Less): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  new Sorter(order, less).sort(0, count, bitLength(count));
  return order;
}

function bitLength(count: number): number {
  return count === 0 ? 0 : 32 - Math.clz32(count);
}

/** All ranges are half open; `limit` is how many bad pivots are borne before the range is sorted by a heap. */
class Sorter {
  readonly #order: Int32Array;
  readonly #less: Less;
  #pivotSwaps = 0;

  constructor(order: Int32Array, less: Less) {
    this.#order = order;
    this.#less = less;
  }

  sort(from: number, to: number, limit: number): void {
    let [start, end, left] = [from, to, limit];
    let isBalanced = true;
    let isPartitioned = true;
    while (end - start > insertionMax) {
      if (left === 0) {
        this.#heapSort(start, end);
        return;
      }
      if (!isBalanced) {
        this.#scatter(start, end);
        left--;
      }
      const { pivot, isIncreasing } = this.#pivotOf(start, end);
      if (isBalanced && isPartitioned && isIncreasing && this.#isMended(start, end)) return; // prettier-ignore
      if (start > 0 && !this.#isLess(start - 1, pivot)) {
        start = this.#passEqual(start, end, pivot);
        continue;
      }
      const { middle, wasPartitioned } = this.#partition(start, end, pivot);
      isPartitioned = wasPartitioned;
      const [before, behind] = [middle - start, end - middle];
      isBalanced = Math.min(before, behind) >= Math.floor((end - start) / 8);
      if (before < behind) {
        this.sort(start, middle, left);
        start = middle + 1;
      } else {
        this.sort(middle + 1, end, left);
        end = middle;
      }
    }
    this.#insertionSort(start, end);
  }

  #isLess(left: number, right: number): boolean {
    const order = this.#order;
    return this.#less(order[left] ?? 0, order[right] ?? 0);
  }

  #swap(left: number, right: number): void {
    const order = this.#order;
    const held = order[left] ?? 0;
    order[left] = order[right] ?? 0;
    order[right] = held;
  }

  #insertionSort(start: number, end: number): void {
    for (let i = start + 1; i < end; i++)
      for (let j = i; j > start && this.#isLess(j, j - 1); j--) this.#swap(j, j - 1);
  }

  #heapSort(start: number, end: number): void {
    const count = end - start;
    for (let root = (count - 1) >> 1; root >= 0; root--) this.#sift(start, root, count);
    for (let last = count - 1; last >= 0; last--) {
      this.#swap(start, start + last);
      this.#sift(start, 0, last);
    }
  }

  #sift(start: number, from: number, count: number): void {
    for (let root = from; ;) {
      let child = 2 * root + 1;
      if (child >= count) return;
      if (child + 1 < count && this.#isLess(start + child, start + child + 1)) child++;
      if (!this.#isLess(start + root, start + child)) return;
      this.#swap(start + root, start + child);
      root = child;
    }
  }

  /** Breaks up what may be a pattern; the same swaps for each range of one length. */
  #scatter(start: number, end: number): void {
    const length = end - start;
    if (length < 8) return;
    let random = BigInt(length);
    const mask = (1n << BigInt(bitLength(length))) - 1n;
    const middle = start + (length >> 2) * 2;
    for (let i = -1; i <= 1; i++) {
      random = BigInt.asUintN(64, random ^ (random << 13n));
      random ^= random >> 7n;
      random = BigInt.asUintN(64, random ^ (random << 17n));
      let other = Number(random & mask);
      if (other >= length) other -= length;
      this.#swap(middle + i, start + other);
    }
  }

  /** The pivot of a range, which is turned round where it seems to descend. */
  #pivotOf(start: number, end: number): { readonly pivot: number; readonly isIncreasing: boolean } {
    const length = end - start;
    const quarter = length >> 2;
    let [low, middle, high] = [start + quarter, start + quarter * 2, start + quarter * 3];
    this.#pivotSwaps = 0;
    if (length >= nintherMin) {
      low = this.#median(low - 1, low, low + 1);
      middle = this.#median(middle - 1, middle, middle + 1);
      high = this.#median(high - 1, high, high + 1);
    }
    const pivot = this.#median(low, middle, high);
    if (this.#pivotSwaps === 0) return { pivot, isIncreasing: true };
    if (this.#pivotSwaps < pivotSwapsMax) return { pivot, isIncreasing: false };
    this.#order.subarray(start, end).reverse();
    return { pivot: end - 1 - (pivot - start), isIncreasing: true };
  }

  #median(first: number, second: number, third: number): number {
    let [low, middle] = this.#ordered(first, second);
    [middle] = this.#ordered(middle, third);
    [low, middle] = this.#ordered(low, middle);
    return middle;
  }

  #ordered(left: number, right: number): [number, number] {
    if (!this.#isLess(right, left)) return [left, right];
    this.#pivotSwaps++;
    return [right, left];
  }

  /** Whether a few insertions have put the range in order. */
  #isMended(start: number, end: number): boolean {
    let at = start + 1;
    for (let step = 0; step < partialStepsMax; step++) {
      while (at < end && !this.#isLess(at, at - 1)) at++;
      if (at === end) return true;
      if (end - start < partialMin) return false;
      this.#swap(at, at - 1);
      if (at - start >= 2)
        for (let j = at - 1; j >= 1 && this.#isLess(j, j - 1); j--) this.#swap(j, j - 1);
      if (end - at >= 2)
        for (let j = at + 1; j < end && this.#isLess(j, j - 1); j++) this.#swap(j, j - 1);
    }
    return false;
  }

  /** Those equal to the pivot to the front; the range behind them. */
  #passEqual(start: number, end: number, pivot: number): number {
    this.#swap(start, pivot);
    let [low, high] = [start + 1, end - 1];
    for (;;) {
      while (low <= high && !this.#isLess(start, low)) low++;
      while (low <= high && this.#isLess(start, high)) high--;
      if (low > high) return low;
      this.#swap(low++, high--);
    }
  }

  #partition(
    start: number,
    end: number,
    pivot: number,
  ): { readonly middle: number; readonly wasPartitioned: boolean } {
    this.#swap(start, pivot);
    let [low, high] = [start + 1, end - 1];
    for (let swaps = 0; ; swaps++) {
      while (low <= high && this.#isLess(low, start)) low++;
      while (low <= high && !this.#isLess(high, start)) high--;
      if (low > high) {
        this.#swap(high, start);
        return { middle: high, wasPartitioned: swaps === 0 };
      }
      this.#swap(low++, high--);
    }
  }
}
