import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import { ReplyStream } from './reply-stream.ts';

function streamOf(signal?: AbortSignal) {
  const said: string[] = [];
  const begin = () => {
    said.push('asked');
    return { taken: () => said.push('taken'), stop: () => said.push('stopped') };
  };
  return { replies: new ReplyStream(begin, signal), said };
}

test('reply stream: the engine is asked with the first reply, and told of each that was taken', async () => {
  const { replies, said } = streamOf();
  expect(said).toEqual([]);
  const first = replies.next();
  expect(said).toEqual(['asked']);
  replies.push(1, false);
  replies.push(2, true);
  expect(await first).toEqual({ done: false, value: 1 });
  expect(await replies.next()).toEqual({ done: false, value: 2 });
  expect(await replies.next()).toEqual({ done: true, value: undefined });
  // It has answered by then, and is told so that it can be forgotten.
  expect(said).toEqual(['asked', 'taken', 'stopped']);
});

test('reply stream: one that failed never looks whole, whatever the engine says behind it', async () => {
  const { replies } = streamOf();
  const first = replies.next();
  replies.push(1, false);
  await first;
  replies.push(2, false);
  replies.fail(new DbError('shutdown', 'closing'));
  replies.end();
  expect(await replies.next()).toEqual({ done: false, value: 2 });
  await expect(replies.next()).rejects.toMatchObject({ code: 'shutdown' });
  expect(await replies.next()).toEqual({ done: true, value: undefined });
});

test('reply stream: whoever gives up gets nothing more, waiting or not', async () => {
  const waiting = new AbortController();
  const one = streamOf(waiting.signal);
  const next = one.replies.next();
  waiting.abort();
  await expect(next).rejects.toMatchObject({ code: 'cancelled' });
  expect(one.said).toContain('stopped');
  const idle = new AbortController();
  const other = streamOf(idle.signal);
  const first = other.replies.next();
  other.replies.push(1, false);
  await first;
  other.replies.push(2, false);
  idle.abort();
  await expect(other.replies.next()).rejects.toMatchObject({ code: 'cancelled' });
  const before = streamOf(AbortSignal.abort());
  await expect(before.replies.next()).rejects.toMatchObject({ code: 'cancelled' });
  expect(before.said).toEqual([]);
});

test('reply stream: one that is left while somebody waits ends for him, too', async () => {
  const { replies, said } = streamOf();
  const next = replies.next();
  await replies.return();
  expect(await next).toEqual({ done: true, value: undefined });
  replies.push(1, true);
  expect(await replies.next()).toEqual({ done: true, value: undefined });
  expect(said).toEqual(['asked', 'stopped']);
});
