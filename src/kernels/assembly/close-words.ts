// Chooses how many integers each word of a block takes, so that there are as few words as can be. Twin: planWords of
// codec/close-words.ts, which this equals.
//
// From the last value to the first: of the selectors that take the values from here on, the `choices` that take most of them are
// tried, and that which has the fewest words behind it is noted.

const countsOf = i8x16(0, 0, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1);
const selectors = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
const countsAt = memory.data<u8>([240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]);
/** By the bits of a value up to 60 the selector of most values whose words take it. */
const selectorsAt = memory.data<u8>([
  2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 11, 12, 12, 12, 13, 13, 13, 13, 13, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 15, 15, 15, 15, 15,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
]);
/** Selectors 0 and 1 are runs of ones, which are not written. */
const written: u32 = 0xfffc;
const choices: u32 = 4;

/**
 * Writes to plan[i] the selector of a word that begins with value i, of `count` values below 2^60. Behind these there is room for a
 * u32 a value and 16 bytes.
 */
export function planWords(values: usize, count: u32, plan: usize): void {
  const words = (plan + count + 7) & ~3;
  store<u32>(words + (<usize>count << 2), 0);
  // Of each selector: how many values from here on, up to 255, a word of it would take.
  let runs = i8x16.splat(0);
  for (let i = <i32>count - 1; i >= 0; i--) {
    const needed = load<u8>(selectorsAt + 64 - <usize>clz(load<u64>(values + (<usize>i << 3))));
    const areWide = i8x16.ge_u(selectors, i8x16.splat(<i8>needed));
    runs = v128.and(i8x16.add_sat_u(runs, i8x16.splat(1)), areWide);
    let taking = <u32>i8x16.bitmask(i8x16.ge_u(runs, countsOf)) & written;
    const own = words + (<usize>i << 2);
    let best: u32 = u32.MAX_VALUE;
    let chosen: u32 = 0;
    for (let k: u32 = 0; k < choices && taking != 0; k++) {
      const selector = ctz(taking);
      taking &= taking - 1;
      const rest = load<u32>(own + (<usize>load<u8>(countsAt + selector) << 2));
      if (rest >= best) continue;
      best = rest;
      chosen = selector;
    }
    store<u32>(own, best + 1);
    store<u8>(plan + i, <u8>chosen);
  }
}
