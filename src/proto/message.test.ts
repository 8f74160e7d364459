import { expect, test } from 'vitest';
import { bytes } from './field.ts';
import { varve } from './gen/wire.js';
import { Int64Reader } from './int64-reader.ts';
import { encodeBytesField, encodeBytesList, message } from './message.ts';

const reply = message(varve.data.v1.FragmentReply, { blocks: bytes({ lengthBytesMax: 1 << 30 }) });

test('message: one field of bytes is written as the generated code writes it', () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const blocks = new Uint8Array(length).fill(7);
    const written = encodeBytesField(1, blocks);
    expect(Buffer.compare(written, reply.encode({ blocks })), `${length} bytes`).toBe(0);
    expect(reply.decode(written).blocks.length).toBe(length);
  }
});

test('message: a list of messages with bytes is written so that the generated code reads it, also into lent memory', () => {
  const place = { shardId: 7, database: 'd', retentionPolicy: 'p' };
  const { WriteShardsRequest } = varve.data.v1;
  const payloads = [0, 1, 127, 128, 16_384, 2_097_152].map((length) =>
    new Uint8Array(length).fill(3),
  );
  const others = WriteShardsRequest.ShardBatch.encode(place).finish();
  const items = payloads.map((value) => ({ others, number: 4, value }));
  const lent = new Uint8Array(1 << 23).fill(255);
  for (const written of [
    encodeBytesList(1, items),
    encodeBytesList(1, items, { lend: () => lent }),
  ]) {
    const read = WriteShardsRequest.decode(new Int64Reader(written)) as { readonly batches: readonly { readonly payload: Uint8Array }[] }; // prettier-ignore
    expect(read.batches.map(({ payload, ...rest }) => [payload.length, { ...rest }])).toEqual(payloads.map(({ length }) => [length, place])); // prettier-ignore
    expect(read.batches.every(({ payload }) => payload.every((byte) => byte === 3))).toBe(true);
  }
  expect(encodeBytesList(1, [])).toEqual(new Uint8Array());
});
