// CRC-32 as TSM files have it (IEEE), eight bytes at a time. Twin: crc32 of node:zlib.

/** Static memory: what is allocated lies where blocks are given out. */
const table = memory.data(8_192);
fillTable();

function fillTable(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) == 1 ? (value >> 1) ^ 0xedb88320 : value >> 1;
    store<u32>(table + (<usize>i << 2), value);
  }
  for (let i: usize = 256; i < 2_048; i++) {
    const before = load<u32>(table + ((i - 256) << 2));
    store<u32>(table + (i << 2), (before >> 8) ^ load<u32>(table + (<usize>(before & 255) << 2)));
  }
}

// @ts-ignore: decorator
@inline
function entry(slice: u32, byte: u32): u32 {
  return load<u32>(table + (<usize>((slice << 8) + (byte & 255)) << 2));
}

export function crcOf(ptr: usize, length: u32): u32 {
  return crcFrom(0, ptr, length);
}

/** Of bytes behind others, whose CRC is `before`. */
export function crcFrom(before: u32, ptr: usize, length: u32): u32 {
  let crc: u32 = ~before;
  const end = ptr + length;
  while (ptr + 8 <= end) {
    const low = load<u32>(ptr) ^ crc;
    const high = load<u32>(ptr, 4);
    crc =
      entry(7, low) ^ entry(6, low >> 8) ^ entry(5, low >> 16) ^ entry(4, low >> 24) ^
      entry(3, high) ^ entry(2, high >> 8) ^ entry(1, high >> 16) ^ entry(0, high >> 24);
    ptr += 8;
  }
  for (; ptr < end; ptr++) crc = (crc >> 8) ^ entry(0, crc ^ <u32>load<u8>(ptr));
  return ~crc;
}
