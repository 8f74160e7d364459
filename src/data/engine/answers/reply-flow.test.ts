import { expect, test } from 'vitest';
import type { EngineReply } from '../../../env/engine-host.ts';
import { begunReplies, repliesOf, type ReplyFlow } from './reply-flow.ts';

const last: EngineReply = { body: 'whole', isLast: true };

/** Says in `ends` that what it had open is closed. */
function* flowOf(steps: Iterable<ReturnType<ReplyFlow['next']>['value']>, ends: string[]): ReplyFlow {
  try {
    for (const step of steps) if (step !== undefined) yield step;
  } finally {
    ends.push('closed');
  }
} // prettier-ignore

async function bodiesOf(
  begun: EngineReply | AsyncGenerator<EngineReply>,
): Promise<readonly unknown[]> {
  if ('body' in begun) throw new Error('it came alone');
  const bodies: unknown[] = [];
  for await (const { body } of begun) bodies.push(body);
  return bodies;
}

test('reply flow: the only reply is there at once, and what it took is closed', () => {
  const ends: string[] = [];
  expect(begunReplies(flowOf([last], ends))).toBe(last);
  expect(ends).toEqual(['closed']);
});

test('reply flow: behind a wait, and behind a first part, replies are asked for', async () => {
  const ends: string[] = [];
  expect(await bodiesOf(begunReplies(flowOf([Promise.resolve(), last], ends)))).toEqual(['whole']);
  expect(await bodiesOf(begunReplies(flowOf([{ body: 1 }, last], ends)))).toEqual([1, 'whole']);
  expect(ends).toEqual(['closed', 'closed']);
});

test('reply flow: what gives replies in turns with others gives all of them in its place', async () => {
  async function* others(): AsyncGenerator<EngineReply> {
    yield { body: 2 };
    await Promise.resolve();
    yield { body: 3 };
  }
  const replies = repliesOf(flowOf([{ body: 1 }, others(), { body: 4 }], []));
  expect(await bodiesOf(replies)).toEqual([1, 2, 3, 4]);
});

test('reply flow: what fails, at once or behind a wait, closes what was open and is told', async () => {
  const ends: string[] = [];
  const failing = Promise.reject(new Error('gone'));
  await expect(bodiesOf(begunReplies(flowOf([failing, last], ends)))).rejects.toThrow('gone');
  function* thrown(): Generator<EngineReply> {
    throw new Error('at once');
  }
  expect(() => begunReplies(flowOf(thrown(), ends))).toThrow('at once');
  expect(ends).toEqual(['closed', 'closed']);
});

test('reply flow: whoever leaves behind a part has all of it closed', async () => {
  const ends: string[] = [];
  const replies = begunReplies(flowOf([{ body: 1 }, { body: 2 }], ends));
  for await (const _ of replies as AsyncGenerator<EngineReply>) break;
  expect(ends).toEqual(['closed']);
});
