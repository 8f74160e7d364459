// Predicates over columns: a mask has a byte a row, 1 where it passes. Operators are numbered as in query-kernel.ts:
// 0 =, 1 !=, 2 <, 3 <=, 4 >, 5 >=.

export function compareFloats(values: usize, count: u32, operator: u32, bound: f64, mask: usize): void {
  for (let row: u32 = 0; row < count; row++) {
    const value = load<f64>(values + (<usize>row << 3));
    let passes = false;
    if (operator == 0) passes = value == bound;
    else if (operator == 1) passes = value != bound;
    else if (operator == 2) passes = value < bound;
    else if (operator == 3) passes = value <= bound;
    else if (operator == 4) passes = value > bound;
    else passes = value >= bound;
    store<u8>(mask + row, <u8>passes);
  }
}

export function compareIntegers(values: usize, count: u32, operator: u32, bound: i64, mask: usize): void {
  for (let row: u32 = 0; row < count; row++) {
    const value = load<i64>(values + (<usize>row << 3));
    let passes = false;
    if (operator == 0) passes = value == bound;
    else if (operator == 1) passes = value != bound;
    else if (operator == 2) passes = value < bound;
    else if (operator == 3) passes = value <= bound;
    else if (operator == 4) passes = value > bound;
    else passes = value >= bound;
    store<u8>(mask + row, <u8>passes);
  }
}

export function compareUnsigned(values: usize, count: u32, operator: u32, bound: u64, mask: usize): void {
  for (let row: u32 = 0; row < count; row++) {
    const value = load<u64>(values + (<usize>row << 3));
    let passes = false;
    if (operator == 0) passes = value == bound;
    else if (operator == 1) passes = value != bound;
    else if (operator == 2) passes = value < bound;
    else if (operator == 3) passes = value <= bound;
    else if (operator == 4) passes = value > bound;
    else passes = value >= bound;
    store<u8>(mask + row, <u8>passes);
  }
}

/** mask &= other */
export function andMask(mask: usize, other: usize, count: u32): void {
  for (let row: u32 = 0; row < count; row++) store<u8>(mask + row, load<u8>(mask + row) & load<u8>(other + row));
}

/** mask |= other */
export function orMask(mask: usize, other: usize, count: u32): void {
  for (let row: u32 = 0; row < count; row++) store<u8>(mask + row, load<u8>(mask + row) | load<u8>(other + row));
}

/** The rows that pass, as u32 at `rows`; answers how many. */
export function rowsOfMask(mask: usize, count: u32, rows: usize): u32 {
  let found: u32 = 0;
  for (let row: u32 = 0; row < count; row++) {
    store<u32>(rows + (<usize>found << 2), row);
    found += load<u8>(mask + row);
  }
  return found;
}
