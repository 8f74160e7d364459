import { expect, test } from 'vitest';
import { longAnswerBytes } from '../engine/answers/answer-task.ts';
import { NodeAccount, QueryAccount } from '../../query/run/query-account.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import { startAnswer } from './started-answer.ts';

const mib = 1 << 20;

/** Parts of a worker; an error in place of a part is thrown there. */
function worker(...parts: readonly (AnswerPart | Error)[]) {
  const state = { taken: 0, isLeft: false };
  const iterator: AsyncIterator<AnswerPart> = {
    next: () => {
      const part = parts[state.taken++];
      if (part instanceof Error) return Promise.reject(part);
      return Promise.resolve(part === undefined ? { done: true, value: undefined } : { done: false, value: part }); // prettier-ignore
    },
    return: () => {
      state.isLeft = true;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return { iterator, state };
}

function part(text: string, closing = '', lengthBytes = text.length): AnswerPart {
  const bytes = new Uint8Array(lengthBytes).fill(32);
  bytes.set(Buffer.from(text));
  return { bytes, closing };
}

function setting(heldBytesMax = 4 * mib, bytesMax = 0) {
  const node = new NodeAccount(0);
  const ends = { count: 0, isIdle: false };
  const account = new QueryAccount(node, bytesMax);
  const hold = {
    account,
    heldBytesMax,
    textOf: (error: unknown) => (error as Error).message,
    onIdle: (isIdle: boolean) => {
      ends.isIdle = isIdle;
    },
    onEnd: () => {
      ends.count++;
      account.close();
    },
  };
  return { hold, node, ends };
}

async function textOf(parts: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const bytes of parts) text += bytes.toString();
  return text;
}

test('started answer: what is small is whole, and nothing is held once it is there', async () => {
  const { hold, node, ends } = setting();
  const { iterator } = worker(part('{"a":'), part('1}\n'));
  const started = await startAnswer(iterator, hold);
  expect(started).toMatchObject({ kind: 'whole' });
  expect(started.kind === 'whole' && started.bytes.toString()).toBe('{"a":1}\n');
  expect([ends.count, node.bytes]).toEqual([1, 0]);
});

test('started answer: an error before so many bytes leave is the whole answer’s', async () => {
  const { hold, node, ends } = setting();
  const { iterator, state } = worker(part('{"results":[', '', 3 * mib), new Error('gone'));
  await expect(startAnswer(iterator, hold)).rejects.toThrow('gone');
  expect([ends.count, node.bytes, state.isLeft]).toEqual([1, 0, true]);
});

test('started answer: one behind them is said in the document, which closes', async () => {
  const { hold, ends } = setting(4 * mib);
  const head = '{"results":[{"statement_id":0,"series":[{"columns":["time"],"values":[[1]';
  const { iterator } = worker(part(head, ']}]', 4 * mib), part(',[2]', ']}]'), new Error('a "b"'));
  const started = await startAnswer(iterator, hold);
  const text = started.kind === 'parts' ? await textOf(started.parts) : '';
  expect(JSON.parse(text)).toEqual({
    results: [
      { statement_id: 0, series: [{ columns: ['time'], values: [[1], [2]] }], error: 'a "b"' },
    ],
  });
  expect(ends.count).toBe(1);
});

test('started answer: where no bytes are to be held, an error before the first part is the whole answer’s, too', async () => {
  const { hold, node, ends } = setting(0);
  const { iterator, state } = worker(new Error('gone'));
  await expect(startAnswer(iterator, hold)).rejects.toThrow('gone');
  expect([ends.count, node.bytes, state.isLeft]).toEqual([1, 0, true]);
});

test('started answer: an error between two documents is one of its own', async () => {
  const { hold, ends } = setting(0);
  const opening = '{"results":[{"statement_id":0';
  const { iterator } = worker(part('{"results":[]}\n', opening), new Error('gone'));
  const started = await startAnswer(iterator, hold);
  if (started.kind !== 'parts') throw new Error('it leaves as it is made');
  const text = await textOf(started.parts);
  expect(text).toBe('{"results":[]}\n{"results":[{"statement_id":0,"error":"gone"}]}\n');
  expect(ends.count).toBe(1);
});

test('started answer: held bytes are charged, and one who leaves ends the worker’s answer', async () => {
  const { hold } = setting(4 * mib, mib);
  const refused = worker(part('x', '', 2 * mib));
  await expect(startAnswer(refused.iterator, hold)).rejects.toThrow('max-query-memory');
  const { hold: other, ends, node } = setting(2 * mib);
  const { iterator, state } = worker(part('x', '', 2 * mib), part('y'));
  const started = await startAnswer(iterator, other);
  expect(node.bytes).toBe(longAnswerBytes);
  if (started.kind === 'parts') {
    await started.parts.next();
    // As much is on its way behind them.
    expect(node.bytes).toBe(longAnswerBytes);
    await started.parts.return(undefined);
  }
  expect([ends.count, state.isLeft, node.bytes]).toEqual([1, true, 0]);
});

test('started answer: between two parts it waits for its reader, and says so', async () => {
  const { hold, ends } = setting(0);
  const { iterator } = worker(part('a'), part('b'));
  const started = await startAnswer(iterator, hold);
  if (started.kind !== 'parts') throw new Error('it was to begin to leave');
  expect(ends.isIdle).toBe(false);
  for await (const bytes of started.parts) expect([bytes.toString(), ends.isIdle]).toEqual([expect.any(String), true]); // prettier-ignore
  expect(ends).toEqual({ count: 1, isIdle: false });
});

test('started answer: one that is left before anything is asked of it ends, too', async () => {
  const { hold, ends, node } = setting(2 * mib);
  const { iterator, state } = worker(part('x', '', 2 * mib), part('y'));
  const started = await startAnswer(iterator, hold);
  if (started.kind === 'parts') await started.parts.return(undefined);
  expect([ends.count, state.isLeft, node.bytes]).toEqual([1, true, 0]);
});

test('started answer: it ends also where the worker’s answer cannot be left', async () => {
  const failing = (...parts: readonly (AnswerPart | Error)[]) => ({
    ...worker(...parts).iterator,
    return: () => Promise.reject(new Error('it is stuck')),
  });
  const { hold, ends, node } = setting(0);
  await expect(startAnswer(failing(new Error('gone')), hold)).rejects.toThrow('it is stuck');
  expect([ends.count, node.bytes]).toEqual([1, 0]);
  const { hold: other, ends: otherEnds, node: otherNode } = setting(2 * mib);
  const started = await startAnswer(failing(part('x', '', 2 * mib), part('y')), other);
  if (started.kind === 'parts')
    await expect(started.parts.return(undefined)).rejects.toThrow('it is stuck');
  expect([otherEnds.count, otherNode.bytes]).toEqual([1, 0]);
});
