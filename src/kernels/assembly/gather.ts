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

const escaped: u32 = 0x80000000;

/** Bytes of the texts of a field, without what escapes them. */
export function fieldTextBytes(words: usize, starts: usize, lines: usize, count: u32, field: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const line = load<u32>(lines + (<usize>i << 2));
    const from = words + (<usize>(load<u32>(starts + (<usize>line << 2)) + field) << 3);
    const length = load<u32>(from, 4);
    if ((length & escaped) == 0) sum += length;
    else sum += <u32>(copyUnescaped(load<u32>(from), length & ~escaped, 0));
  }
  return sum;
}

/** Offsets of the texts, one more than there are lines, and their bytes. */
export function gatherTexts(
  words: usize,
  starts: usize,
  lines: usize,
  count: u32,
  field: u32,
  offsets: usize,
  out: usize,
): void {
  const base = out;
  for (let i: u32 = 0; i < count; i++) {
    const line = load<u32>(lines + (<usize>i << 2));
    const from = words + (<usize>(load<u32>(starts + (<usize>line << 2)) + field) << 3);
    const length = load<u32>(from, 4);
    store<u32>(offsets + (<usize>i << 2), <u32>(out - base));
    if ((length & escaped) == 0) {
      memory.copy(out, load<u32>(from), length);
      out += length;
    } else out += copyUnescaped(load<u32>(from), length & ~escaped, out);
  }
  store<u32>(offsets + (<usize>count << 2), <u32>(out - base));
}

/** A backslash hides a quote and a backslash; before anything else it stands for itself. With `out` 0 only counts. */
function copyUnescaped(from: usize, length: u32, out: usize): usize {
  let count: usize = 0;
  for (let i: u32 = 0; i < length; i++) {
    let byte = load<u8>(from + i);
    if (byte == 92 && i + 1 < length) {
      const next = load<u8>(from + i + 1);
      if (next == 34 || next == 92) {
        byte = next;
        i++;
      }
    }
    if (out != 0) store<u8>(out + count, byte);
    count++;
  }
  return count;
}
