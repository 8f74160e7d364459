// Sum, least and greatest of a range of a column. Sums run in order from `base`, since another order changes the last digit
// of a float; of equal values the first row is kept. `out` gets the sum (8 bytes), the row of the least and that of the
// greatest value (4 bytes each). The range is not empty.

export function summarizeFloats(values: usize, from: u32, end: u32, base: f64, out: usize): void {
  let sum = base;
  let least = load<f64>(values + (<usize>from << 3));
  let greatest = least;
  let leastRow = from;
  let greatestRow = from;
  for (let row = from; row < end; row++) {
    const value = load<f64>(values + (<usize>row << 3));
    sum += value;
    if (value < least) {
      least = value;
      leastRow = row;
    }
    if (value > greatest) {
      greatest = value;
      greatestRow = row;
    }
  }
  store<f64>(out, sum);
  store<u32>(out, leastRow, 8);
  store<u32>(out, greatestRow, 12);
}

export function summarizeIntegers(values: usize, from: u32, end: u32, base: i64, out: usize): void {
  let sum = base;
  let least = load<i64>(values + (<usize>from << 3));
  let greatest = least;
  let leastRow = from;
  let greatestRow = from;
  for (let row = from; row < end; row++) {
    const value = load<i64>(values + (<usize>row << 3));
    sum += value;
    if (value < least) {
      least = value;
      leastRow = row;
    }
    if (value > greatest) {
      greatest = value;
      greatestRow = row;
    }
  }
  store<i64>(out, sum);
  store<u32>(out, leastRow, 8);
  store<u32>(out, greatestRow, 12);
}

export function summarizeUnsigned(values: usize, from: u32, end: u32, base: u64, out: usize): void {
  let sum = base;
  let least = load<u64>(values + (<usize>from << 3));
  let greatest = least;
  let leastRow = from;
  let greatestRow = from;
  for (let row = from; row < end; row++) {
    const value = load<u64>(values + (<usize>row << 3));
    sum += value;
    if (value < least) {
      least = value;
      leastRow = row;
    }
    if (value > greatest) {
      greatest = value;
      greatestRow = row;
    }
  }
  store<u64>(out, sum);
  store<u32>(out, leastRow, 8);
  store<u32>(out, greatestRow, 12);
}

/** The first row in [from, end) whose time is not before `time`; end when there is none. */
export function firstNotBefore(times: usize, from: u32, end: u32, time: i64): u32 {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<i64>(times + (<usize>middle << 3)) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
