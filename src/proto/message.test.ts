import { expect, test } from 'vitest';
import { bytes } from './field.ts';
import { varve } from './gen/wire.js';
import { encodeBytesField, message } from './message.ts';

const reply = message(varve.data.v1.FragmentReply, { blocks: bytes({ lengthBytesMax: 1 << 30 }) });

test('message: one field of bytes is written as the generated code writes it', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const blocks = new Uint8Array(length).fill(7);
    const written = encodeBytesField(1, blocks);
    expect(Buffer.compare(written, reply.encode({ blocks })), `${length} bytes`).toBe(0);
    expect(reply.decode(written).blocks.length).toBe(length);
  }
});
