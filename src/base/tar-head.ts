import { Buffer } from 'node:buffer';

export const tarBlockBytes = 512;
/** Two empty blocks. */
export const tarEnd = new Uint8Array(2 * tarBlockBytes);

/** The head of one file of a ustar archive; `name` has at most 100 bytes of ASCII, `type` is `0` for a file. */
export function tarHead(file: {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedSeconds: number;
  readonly type?: string;
}): Uint8Array {
  const { name, sizeBytes, modifiedSeconds, type = '0' } = file;
  const head = Buffer.alloc(tarBlockBytes);
  const octal = (value: number, at: number, digits: number) =>
    head.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  head.write(name, 0, 100, 'latin1');
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(modifiedSeconds, 136, 11);
  // Blanks while the sum is made.
  head.fill(0x20, 148, 156);
  head.write(type, 156, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of head) sum += byte;
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}
