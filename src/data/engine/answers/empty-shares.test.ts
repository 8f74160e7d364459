import { expect, test } from 'vitest';
import type { AnswerPart, AnswerRequest } from './answer-task.ts';
import { EmptyShares } from './empty-shares.ts';

const request: AnswerRequest = { text: 'q', nowNs: 0n, isKept: true, isShare: true };

function part(emptyAt: number | undefined): AnswerPart {
  return { bytes: Uint8Array.of(1), closing: '', isLast: true, share: { spans: new Uint32Array(), emptyAt } }; // prettier-ignore
}

async function* parts(...all: readonly AnswerPart[]): AsyncGenerator<AnswerPart> {
  yield* await Promise.resolve(all);
}

async function read(asked: AsyncIterable<AnswerPart>): Promise<readonly AnswerPart[]> {
  const all: AnswerPart[] = [];
  for await (const one of asked) all.push(one);
  return all;
}

const nobody = (): AsyncIterable<AnswerPart> => {
  throw new Error('the worker was asked');
};

test('empty shares: what had no group has none until a later version is heard of', async () => {
  const shares = new EmptyShares();
  const said = part(5);
  expect(await read(shares.of(request, 5, () => parts(said)))).toEqual([said]);
  for (let time = 0; time < 2; time++)
    expect(await read(shares.of(request, 5, nobody))).toEqual([said]);
  expect(() => shares.of({ ...request, text: 'other' }, 5, nobody)).toThrow('was asked');
  expect(() => shares.of(request, 6, nobody)).toThrow('was asked');
});

test('empty shares: one with groups, one that does not say so and one that is asked once are not kept', async () => {
  const shares = new EmptyShares();
  const once = { ...request, isKept: false };
  const [open, more] = [{ ...part(undefined), isLast: false }, part(undefined)];
  expect(await read(shares.of(request, 0, () => parts(open, more)))).toEqual([open, more]);
  expect(await read(shares.of(once, 0, () => parts(part(5))))).toHaveLength(1);
  expect(() => shares.of(request, 0, nobody)).toThrow('was asked');
});

test('empty shares: with other shards nothing is known, and who leaves early ends the stream', async () => {
  const shares = new EmptyShares();
  await read(shares.of(request, 0, () => parts(part(5))));
  shares.clear();
  expect(() => shares.of(request, 0, nobody)).toThrow('was asked');
  // Nor what was under way when they became others.
  const late = shares
    .of(request, 0, () => parts(part(5)))
    [Symbol.asyncIterator]()
    .next();
  shares.clear();
  await late;
  expect(() => shares.of(request, 0, nobody)).toThrow('was asked');
  let isEnded = false;
  async function* endless(): AsyncGenerator<AnswerPart> {
    try {
      for (;;) yield await Promise.resolve(part(undefined));
    } finally {
      isEnded = true;
    }
  }
  for await (const _ of shares.of(request, 0, endless)) break;
  expect(isEnded).toBe(true);
});
