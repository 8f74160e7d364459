import { expect, test } from 'vitest';
import { BatchCopies, SettledCalls } from './settled-calls.ts';

const self = { nodeId: () => 4, run: 77 };

test('settled calls: a call is settled once every copy of each of its batches is, and those behind it are told of with it', () => {
  const calls = new SettledCalls(self);
  const [first, second, third] = [new BatchCopies(2), new BatchCopies(3), new BatchCopies(2)];
  expect(calls.begin([first, second])).toEqual({ nodeId: 4, run: 77, number: 1, settledBelow: 1 });
  expect(calls.begin([third])?.settledBelow).toBe(1);
  third.settled();
  third.settled();
  expect(calls.settledBelow).toBe(1);
  for (let i = 0; i < 2; i++) first.settled();
  for (let i = 0; i < 2; i++) second.settled();
  expect(calls.settledBelow).toBe(1);
  second.settled();
  expect(calls.settledBelow).toBe(3);
  expect(calls.begin([new BatchCopies(2)])).toMatchObject({ number: 3, settledBelow: 3 });
});

test('settled calls: a batch that only one node gets is nothing to tell of', () => {
  const calls = new SettledCalls(self);
  expect(calls.begin([undefined, undefined])).toBeUndefined();
  expect(calls.begin([undefined, new BatchCopies(2)])?.number).toBe(1);
});

test('settled calls: of a batch whose other copies were settled before its call the call is, too', () => {
  const calls = new SettledCalls(self);
  const copies = new BatchCopies(1);
  copies.settled();
  expect(calls.begin([copies])).toMatchObject({ number: 1, settledBelow: 2 });
});

test('settled calls: calls to one node say nothing of those to another', () => {
  const [one, other] = [new SettledCalls(self), new SettledCalls(self)];
  const copies = new BatchCopies(2);
  one.begin([new BatchCopies(2)]);
  other.begin([copies]);
  copies.settled();
  copies.settled();
  expect([one.settledBelow, other.settledBelow]).toEqual([1, 2]);
});
