import { expect, test } from 'vitest';
import { ByteBudget } from '../../base/async/byte-budget.ts';
import { MessageReader, prefixed } from './length-prefixed.ts';

test('length prefixed: messages come whole, however their bytes are cut', () => {
  const messages = [0, 1, 5, 20_000].map((length) => Buffer.alloc(length, length));
  const all = Buffer.concat(messages.flatMap((message) => prefixed(message)));
  for (const step of [1, 3, 7, 4_096, all.length]) {
    const reader = new MessageReader(20_000);
    const got: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += step) {
      reader.push(all.subarray(at, at + step));
      for (let one = reader.take(); one !== undefined; one = reader.take()) got.push(one);
    }
    expect(
      got.map((one) => Buffer.from(one)),
      `by ${step}`,
    ).toEqual(messages);
    expect(reader.heldBytes).toBe(0);
  }
});

test('length prefixed: a message is put together where its reader says, and what is behind it is counted', () => {
  const message = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 256));
  const all = Buffer.concat([...prefixed(message), Buffer.from('more')]);
  for (const step of [6, 100, all.length]) {
    const reader = new MessageReader(20_000);
    const memory = Buffer.alloc(1_000);
    reader.push(all.subarray(0, step));
    reader.gatherIn(memory);
    for (let at = step; at < all.length; at += step) reader.push(all.subarray(at, at + step));
    expect(reader.heldBytes).toBe(1_004);
    expect(reader.take()).toEqual(message);
    expect(reader.heldBytes).toBe(4);
    expect(memory).toEqual(message);
  }
});

test('length prefixed: a length beyond the limit and a compressed message are refused by the prefix alone', () => {
  const reader = new MessageReader(10);
  expect(() => reader.push(Buffer.from('00ffffffff', 'hex'))).toThrow('is longer than the 10 that are allowed'); // prettier-ignore
  expect(() => new MessageReader(10).push(Buffer.from('0100000001', 'hex'))).toThrow('compressed');
});

test('byte budget: what does not fit waits its turn; what is given back lets it go on', () => {
  const budget = new ByteBudget(10);
  const served: string[] = [];
  const reserve = (name: string, length: number) => budget.reserve(length, () => served.push(name));
  const a = reserve('a', 6);
  const b = reserve('b', 6);
  const c = reserve('c', 1);
  // c would fit, but not before b: nobody waits for ever.
  expect(served).toEqual(['a']);
  b();
  expect(served).toEqual(['a', 'c']);
  a();
  a();
  c();
  reserve('all', 99);
  expect(served).toEqual(['a', 'c', 'all']);
  reserve('d', 1);
  expect(served).toEqual(['a', 'c', 'all']);
});
