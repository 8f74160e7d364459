import { expect, test } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

/** Names in the order in which they were served. */
class Requests {
  readonly served: string[] = [];
  readonly budget: ByteBudget;

  constructor(bytesMax: number) {
    this.budget = new ByteBudget(bytesMax);
  }

  ask(name: string, lengthBytes: number): () => void {
    return this.budget.reserve(lengthBytes, () => this.served.push(name));
  }
}

test('byte budget: what does not fit waits its turn, and more than there is takes all', () => {
  const requests = new Requests(10);
  const giveBack = [requests.ask('a', 6), requests.ask('b', 25), requests.ask('c', 1)];
  expect(requests.served).toEqual(['a']);
  giveBack[0]?.();
  giveBack[0]?.();
  expect(requests.served).toEqual(['a', 'b']);
  giveBack[1]?.();
  expect(requests.served).toEqual(['a', 'b', 'c']);
});

test('byte budget: who left the line is not served, and holds nobody up', () => {
  const requests = new Requests(10);
  const giveBack = requests.ask('a', 10);
  requests.ask('b', 10)();
  requests.ask('c', 10);
  giveBack();
  expect(requests.served).toEqual(['a', 'c']);
});

test('byte budget: fractions of bytes leave nothing behind that would hold up who wants all', () => {
  const requests = new Requests(1_000);
  const parts = [0, 1, 2, 3, 4].map((i) => 1_000 / 6 + i / 7);
  const giveBack = parts.map((lengthBytes, i) => requests.ask(`part ${i}`, lengthBytes));
  for (const give of giveBack) give();
  requests.ask('all', 1_000);
  expect(requests.served.at(-1)).toBe('all');
});
