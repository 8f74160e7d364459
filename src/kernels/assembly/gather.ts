// Lines of one shape, from the columns that parse() left to the columns of a batch. Line i of the shape is lines[i] of the
// body; its field is word starts[line] + field.

export function gatherFieldWords(
  words: usize,
  starts: usize,
  lines: usize,
  count: u32,
  field: u32,
  out: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const line = load<u32>(lines + (<usize>i << 2));
    const from = <usize>(load<u32>(starts + (<usize>line << 2)) + field) << 3;
    store<u64>(out + (<usize>i << 3), load<u64>(words + from));
  }
}

/** The same for booleans: a byte each. */
export function gatherFieldBytes(
  words: usize,
  starts: usize,
  lines: usize,
  count: u32,
  field: u32,
  out: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const line = load<u32>(lines + (<usize>i << 2));
    const from = <usize>(load<u32>(starts + (<usize>line << 2)) + field) << 3;
    store<u8>(out + i, load<u8>(words + from));
  }
}
