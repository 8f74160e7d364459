import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readBody } from './read-body.ts';

/** A request that sends these pieces, and says this length beforehand or none. */
function requestOf(pieces: readonly string[], declared?: number): IncomingMessage {
  const stream = new PassThrough();
  const headers = declared === undefined ? {} : { 'content-length': String(declared) };
  for (const piece of pieces) stream.write(piece);
  stream.end();
  return Object.assign(stream, { headers }) as unknown as IncomingMessage;
}

test.each([
  { pieces: [], declared: 0 },
  { pieces: [], declared: undefined },
  { pieces: ['one', 'two', 'three'], declared: 11 },
  { pieces: ['one', 'two', 'three'], declared: undefined },
  { pieces: ['x'.repeat(70_000), 'y'.repeat(70_000)], declared: undefined },
])('request body: %j comes whole, in a buffer that holds nothing else', async (one) => {
  const body = await readBody(requestOf(one.pieces, one.declared), 200_000);
  expect(body.toString()).toBe(one.pieces.join(''));
  expect(body.buffer.byteLength).toBe(body.length);
});

test('request body: past the limit it is refused, by the length it says or the bytes that come', async () => {
  const tooLarge = { code: 'too_large', message: 'Request Entity Too Large' };
  await expect(readBody(requestOf(['abcd'], 4), 3)).rejects.toMatchObject(tooLarge);
  await expect(readBody(requestOf(['ab', 'cd']), 3)).rejects.toMatchObject(tooLarge);
  await expect(readBody(requestOf(['abcd'], 4), 4)).resolves.toHaveLength(4);
  await expect(readBody(requestOf(['abcd'], 4), 0)).resolves.toHaveLength(4);
});
