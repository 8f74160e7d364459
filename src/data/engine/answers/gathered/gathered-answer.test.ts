import { expect, test } from 'vitest';
import { Latch } from '../../../../base/async/latch.ts';
import { DbError } from '../../../../base/errors.ts';
import { BlockPacker } from '../../packed-blocks.ts';
import { encodeSentBlocks } from '../../sent-blocks.ts';
import type { PlannedBlocks } from '../../shard-access.ts';
import type { AnswerPart, AnswerRequest } from '../answer-task.ts';
import { gatheredAnswer } from './gathered-answer.ts';
import { Feeds, type FeedPiece } from './feeds.ts';

const request: AnswerRequest = { text: '', nowNs: 0n, isKept: false };
const piece: PlannedBlocks = { planned: 'p', packed: new Uint8Array(), isLast: true };
const document: AnswerPart = { bytes: Uint8Array.of(1), closing: '', isLast: true };

/** A worker whose answer is a document once each of its feeds has ended. */
function worker() {
  const feeds = new Feeds();
  const said: string[] = [];
  const link = {
    call: (_kind: string, body: unknown) => {
      said.push('failure' in (body as FeedPiece) ? 'failure' : 'piece');
      return feeds.push(body as FeedPiece);
    },
    async *stream(_kind: string, body: unknown) {
      const { gathers } = body as AnswerRequest;
      if (gathers === undefined) throw new Error('it gathers nothing');
      said.push('answer');
      const opened = feeds.open(gathers);
      try {
        for (const feed of opened) {
          feed.expect('p', { charge: () => undefined, release: () => undefined } as never);
          await feed.next();
        }
        yield document;
      } finally {
        feeds.close(gathers);
      }
    },
  };
  return { link, said };
}

function someBlocks(): Uint8Array {
  const packer = new BlockPacker({ isCopied: true });
  packer.add({ kind: 'windows', group: [], fields: [] });
  return encodeSentBlocks(packer);
}

function endingOf() {
  const controller = new AbortController();
  let ended = '';
  const stop = () => {
    ended = 'stopped';
    controller.abort(new DbError('cancelled', 'nobody waits'));
  };
  const release = () => (ended = 'released');
  return { ending: { signal: controller.signal, stop, release }, ended: () => ended };
}

async function* blocksOf(...pieces: readonly PlannedBlocks[]): AsyncGenerator<PlannedBlocks> {
  for (const one of pieces) {
    await Promise.resolve();
    yield one;
  }
}

test('gathered answer: it is asked for before anything is handed on, and nothing is aborted at its end', async () => {
  const { link, said } = worker();
  const { ending, ended } = endingOf();
  const others = { before: [blocksOf(piece)], after: [blocksOf({ ...piece, isLast: false }, piece)], ending }; // prettier-ignore
  const parts: AnswerPart[] = [];
  for await (const part of gatheredAnswer(link, request, { id: 1, others })) parts.push(part);
  expect(parts).toEqual([document]);
  expect(said[0]).toBe('answer');
  expect(ended()).toBe('released');
});

test('gathered answer: it fails as the node that failed, also as one that ends before it says so', async () => {
  const failing = async function* () {
    yield* blocksOf({ ...piece, isLast: false });
    throw new Error('a node failed', { cause: new DbError('unavailable', 'the node is down') });
  };
  const cases = [
    [failing(), 'a node failed'],
    [blocksOf({ ...piece, isLast: false }), 'ended before it said so'],
  ] as const;
  for (const [blocks, text] of cases) {
    const { link, said } = worker();
    const { ending, ended } = endingOf();
    const others = { before: [blocks, blocksOf(piece)], after: [], ending };
    const answer = gatheredAnswer(link, request, { id: 1, others });
    await expect(answer.next()).rejects.toThrow(text);
    expect(said).toContain('failure');
    expect(ended()).toBe('stopped');
  }
});

test('gathered answer: a reader that leaves ends the wait for what has yet to come', async () => {
  const { link } = worker();
  const { ending, ended } = endingOf();
  const forever = new Latch<undefined>();
  ending.signal.addEventListener('abort', () => {
    forever.fail(ending.signal.reason);
  });
  const slow = async function* (): AsyncGenerator<PlannedBlocks> {
    yield { ...piece, packed: someBlocks(), isLast: false };
    await forever.promise;
  };
  const others = { before: [slow()], after: [], ending };
  const answer = gatheredAnswer(link, request, { id: 1, others });
  expect(await answer.next()).toEqual({ done: false, value: document });
  expect(await answer.return(undefined)).toEqual({ done: true, value: undefined });
  expect(ended()).toBe('stopped');
});

test('gathered answer: ends where its worker cannot be told that another node failed', async () => {
  const full = new DbError('queue_full', 'too many requests in flight');
  const { ending, ended } = endingOf();
  const stopped = new Latch<never>();
  ending.signal.addEventListener('abort', () => {
    stopped.fail(ending.signal.reason);
  });
  const link = {
    call: () => Promise.reject(full),
    async *stream(): AsyncGenerator {
      yield await stopped.promise;
    },
  };
  const others = { before: [], after: [blocksOf({ ...piece, isLast: false })], ending };
  const parts = gatheredAnswer(link, request, { id: 1, others });
  await expect(parts.next()).rejects.toBe(full);
  expect(ended()).toBe('stopped');
});
