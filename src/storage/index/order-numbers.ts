/** Numbers that are put in order between two chances to rest. */
const numbersAtOnce = 16_384;
/** So few are sorted as they are. */
const sortedMax = 4_096;

/** Different numbers of [start, start + count) in ascending order, by a bit for each of the range. Each step is short. */
export function* orderNumbers(
  numbers: readonly number[],
  { start, count }: { readonly start: number; readonly count: number },
): Generator<undefined, Uint32Array> {
  if (numbers.length <= sortedMax) return Uint32Array.from(numbers).sort();
  const bits = new Uint32Array((count + 31) >>> 5);
  for (let at = 0; at < numbers.length; at += numbersAtOnce) {
    setBits(bits, numbers, { at, end: Math.min(numbers.length, at + numbersAtOnce), start });
    yield;
  }
  const ordered = new Uint32Array(numbers.length);
  const wordsAtOnce = numbersAtOnce >>> 5;
  for (let word = 0, done = 0; word < bits.length; word += wordsAtOnce) {
    done = listBits(bits, { word, end: Math.min(bits.length, word + wordsAtOnce), start }, ordered, done); // prettier-ignore
    yield;
  }
  return ordered;
}

function setBits(
  bits: Uint32Array,
  numbers: readonly number[],
  { at, end, start }: { readonly at: number; readonly end: number; readonly start: number },
): void {
  for (let i = at; i < end; i++) {
    const bit = (numbers[i] ?? 0) - start;
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}

/** Answers how many are listed now. */
function listBits(
  bits: Uint32Array,
  { word, end, start }: { readonly word: number; readonly end: number; readonly start: number },
  out: Uint32Array,
  count: number,
): number {
  for (let i = word; i < end; i++)
    for (let left = bits[i] ?? 0; left !== 0; left &= left - 1)
      out[count++] = start + i * 32 + (31 - Math.clz32(left & -left));
  return count;
}
