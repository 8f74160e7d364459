import { gunzipSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { PartsStream } from './parts-stream.ts';
import { piecesOf, zipAnswer, zipParts } from './zip-answer.ts';

const sizes = [500, 100_000];

test.each(sizes)('zip answer: %s bytes that are given again are zipped once', async (size) => {
  const bytes = Buffer.from('{"results":[]}'.repeat(size / 10));
  const kept = { kind: 'whole', bytes, isKept: true } as const;
  const zipped = await zipAnswer(kept);
  expect(gunzipSync(zipped)).toEqual(bytes);
  expect(await zipAnswer(kept)).toBe(zipped);
  const others = { ...kept, bytes: Buffer.from(bytes) };
  expect(await zipAnswer(others)).not.toBe(zipped);
});

test('zip answer: what is given once, or hardly gets smaller, is not kept as gzip', async () => {
  const bytes = Buffer.from('{"results":[]}'.repeat(50));
  const once = { kind: 'whole', bytes } as const;
  expect(await zipAnswer(once)).not.toBe(await zipAnswer(once));
  const random = { kind: 'whole', bytes: randomBytes(2_000), isKept: true } as const;
  const zipped = await zipAnswer(random);
  expect(gunzipSync(zipped)).toEqual(random.bytes);
  expect(await zipAnswer(random)).not.toBe(zipped);
});

test.each([0, 1])(
  'zip parts: who leaves after %s pieces leaves what they are made of',
  async (asked) => {
    let isLeft = false;
    async function* parts(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield await Promise.resolve(randomBytes(100_000));
      } finally {
        isLeft = true;
      }
    }
    const pieces = await piecesOf(zipParts(new PartsStream([], parts()), { isPrompt: false }));
    for (let i = 0; i < asked; i++) await pieces.next();
    await vi.waitFor(async () => {
      await pieces.return(undefined);
      expect(isLeft).toBe(true);
    });
  },
);
