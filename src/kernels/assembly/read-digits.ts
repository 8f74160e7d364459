// Decimal digits, eight at a time: a word has its first digit in its lowest byte.

const zeros: u64 = 0x3030303030303030;
const wordDigits: u32 = 8;

/** Behind the digits that readDigits() has read. */
export let digitsEnd: usize = 0;

const powers: StaticArray<u64> = [
  1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
  1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
];

/** 10 to the power of an exponent of up to 15. */
// @ts-ignore: decorator
@inline
export function powerOf(exponent: u32): u64 {
  return unchecked(powers[exponent]);
}

/** How many of the bytes of a word are digits until the first that is none. */
// @ts-ignore: decorator
@inline
export function digitCount(word: u64): u32 {
  const values = word ^ zeros;
  // Digits stay below 0x80; what carries over does so to bytes behind one that is marked.
  const others = ((values + 0x7676767676767676) | values) & 0x8080808080808080;
  return <u32>ctz(others) >> 3;
}

/** What the first `count` bytes of a word say, which are digits: 1 to 8. */
// @ts-ignore: decorator
@inline
export function numberOf(word: u64, count: u32): u64 {
  // The first digit goes where the first of eight would be, behind zeros.
  const values = (word ^ zeros) << (<u64>(wordDigits - count) << 3);
  const pairs = values * 10 + (values >> 8);
  const high = (pairs & 0xff000000ff) * 0xf424000000064;
  const low = ((pairs >> 16) & 0xff000000ff) * 0x271000000001;
  return (high + low) >> 32;
}

/** The number that the digits from `start` on say; of more than 19 what is left of it. Up to 8 bytes behind them are read. */
export function readDigits(start: usize): u64 {
  let p = start;
  let value: u64 = 0;
  let word = load<u64>(p);
  let count = digitCount(word);
  while (count == wordDigits) {
    value = value * powerOf(wordDigits) + numberOf(word, wordDigits);
    p += wordDigits;
    word = load<u64>(p);
    count = digitCount(word);
  }
  if (count > 0) value = value * powerOf(count) + numberOf(word, count);
  digitsEnd = p + count;
  return value;
}
