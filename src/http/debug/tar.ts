const blockBytes = 512;

/** Files in the ustar format: a head of 512 bytes each, content filled up to blocks, two empty blocks at the end. */
export function tarOf(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  modifiedSeconds: number,
): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => {
    const fill = (blockBytes - (bytes.length % blockBytes)) % blockBytes;
    return [headOf(name, bytes.length, modifiedSeconds), bytes, new Uint8Array(fill)];
  });
  return Buffer.concat([...parts, new Uint8Array(2 * blockBytes)]);
}

function headOf(name: string, lengthBytes: number, modifiedSeconds: number): Uint8Array {
  const head = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, digits: number) =>
    head.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  head.write(name, 0, 100, 'latin1');
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(lengthBytes, 124, 11);
  octal(modifiedSeconds, 136, 11);
  // Blanks while the sum is made.
  head.fill(0x20, 148, 156);
  head.write('0', 156, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of head) sum += byte;
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}
