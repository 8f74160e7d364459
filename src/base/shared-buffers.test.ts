import { expect, test } from 'vitest';
import { SharedBuffers } from './shared-buffers.ts';

test('shared buffers: what is given back is lent again, and until then to nobody else', () => {
  const buffers = new SharedBuffers(10_000);
  const one = buffers.lend(3_000);
  expect(one.length).toBeGreaterThanOrEqual(3_000);
  expect(buffers.lend(3_000).buffer).not.toBe(one.buffer);
  buffers.giveBack(one.subarray(5, 7));
  expect(buffers.lend(4_000).buffer).toBe(one.buffer);
  expect(buffers.keptBytes).toBe(0);
});

test('shared buffers: what is given back twice is lent once', () => {
  const buffers = new SharedBuffers(10_000);
  const one = buffers.lend(1);
  buffers.giveBack(one);
  buffers.giveBack(one);
  expect(buffers.lend(1).buffer).not.toBe(buffers.lend(1).buffer);
});

test('shared buffers: what was not lent here is never lent', () => {
  const buffers = new SharedBuffers(10_000);
  const foreign = new Uint8Array(new SharedArrayBuffer(4_096));
  buffers.giveBack(foreign);
  buffers.giveBack(new Uint8Array(4_096));
  expect(buffers.keptBytes).toBe(0);
});

test('shared buffers: no more is kept than may be', () => {
  const buffers = new SharedBuffers(10_000);
  const lent = Array.from({ length: 5 }, () => buffers.lend(4_096));
  for (const one of lent) buffers.giveBack(one);
  expect(buffers.keptBytes).toBe(8_192);
  buffers.giveBack(buffers.lend(8_192));
  expect(buffers.keptBytes).toBe(8_192);
});

test.each([0, 1, 1_024, 1_025, 65_536, 65_537, 25_000_000])('shared buffers: there is room for %i bytes', (lengthBytes) => {
  const lent = new SharedBuffers(0).lend(lengthBytes);
  expect(lent.length).toBeGreaterThanOrEqual(lengthBytes);
  expect(lent.length).toBeLessThanOrEqual(Math.max(1_024, lengthBytes * 2));
}); // prettier-ignore
