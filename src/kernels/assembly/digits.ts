// Whole numbers in decimal digits.

const hundredMillion: u64 = 100000000;

const pairs = memory.data<u8>([
  48, 48, 48, 49, 48, 50, 48, 51, 48, 52, 48, 53, 48, 54, 48, 55, 48, 56, 48, 57, 49, 48, 49, 49, 49, 50, 49, 51, 49, 52, 49, 53,
  49, 54, 49, 55, 49, 56, 49, 57, 50, 48, 50, 49, 50, 50, 50, 51, 50, 52, 50, 53, 50, 54, 50, 55, 50, 56, 50, 57, 51, 48, 51, 49,
  51, 50, 51, 51, 51, 52, 51, 53, 51, 54, 51, 55, 51, 56, 51, 57, 52, 48, 52, 49, 52, 50, 52, 51, 52, 52, 52, 53, 52, 54, 52, 55,
  52, 56, 52, 57, 53, 48, 53, 49, 53, 50, 53, 51, 53, 52, 53, 53, 53, 54, 53, 55, 53, 56, 53, 57, 54, 48, 54, 49, 54, 50, 54, 51,
  54, 52, 54, 53, 54, 54, 54, 55, 54, 56, 54, 57, 55, 48, 55, 49, 55, 50, 55, 51, 55, 52, 55, 53, 55, 54, 55, 55, 55, 56, 55, 57,
  56, 48, 56, 49, 56, 50, 56, 51, 56, 52, 56, 53, 56, 54, 56, 55, 56, 56, 56, 57, 57, 48, 57, 49, 57, 50, 57, 51, 57, 52, 57, 53,
  57, 54, 57, 55, 57, 56, 57, 57,
]);

// @ts-ignore: decorator
@inline
export function writePair(value: u32, to: usize): void {
  store<u16>(to, load<u16>(pairs + (<usize>value << 1)));
}

// @ts-ignore: decorator
@inline
export function writeFour(value: u32, to: usize): void {
  const high = value / 100;
  writePair(high, to);
  writePair(value - high * 100, to + 2);
}

// @ts-ignore: decorator
@inline
export function writeEight(value: u32, to: usize): void {
  const high = value / 10000;
  writeFour(high, to);
  writeFour(value - high * 10000, to + 4);
}

/** A number below a hundred million without leading zeros. */
export function writeShort(value: u32, to: usize): usize {
  if (value < 10) {
    store<u8>(to, <u8>(48 + value));
    return to + 1;
  }
  if (value < 100) {
    writePair(value, to);
    return to + 2;
  }
  if (value < 10000) {
    const high = value / 100;
    const end = writeShort(high, to);
    writePair(value - high * 100, end);
    return end + 2;
  }
  const high = value / 10000;
  const end = writeShort(high, to);
  writeFour(value - high * 10000, end);
  return end + 4;
}

export function writeUnsigned(value: u64, to: usize): usize {
  if (value < hundredMillion) return writeShort(<u32>value, to);
  const high = value / hundredMillion;
  const end = high < hundredMillion ? writeShort(<u32>high, to) : writeUnsigned(high, to);
  writeEight(<u32>(value - high * hundredMillion), end);
  return end + 8;
}

export function writeSigned(value: i64, to: usize): usize {
  if (value >= 0) return writeUnsigned(<u64>value, to);
  store<u8>(to, 45);
  return writeUnsigned(<u64>(0 - value), to + 1);
}
