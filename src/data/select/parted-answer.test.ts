import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { SelectAccounts } from '../../query/run/select-limits.ts';
import { encodeShareHead, type ShareHead } from '../engine/answers/answer-share.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import { ApartMemory } from './apart-questions.ts';
import { partedAnswer } from './parted-answer.ts';

type Head = Partial<ShareHead>;

const prefix = '{"results":[{"statement_id":0,"series":[';

/** A share of groups of one tag, whose series are written as `<value>`; undefined is one of an earlier release. */
function partOf(head: Head | undefined): AnswerPart {
  const { planned = 'p', groups = [] } = head ?? {};
  const text = groups.map(([value]) => `<${value ?? ''}>`).join();
  const bytes = Buffer.from(`${prefix}${text}]}]}\n`);
  const spans: number[] = [];
  let at = prefix.length;
  for (const [i, [value = '']] of groups.entries()) {
    spans.push(i, at, at + value.length + 2);
    at += value.length + 3;
  }
  const share = head && { head: encodeShareHead({ planned, groups }), spans: Uint32Array.from(spans) }; // prettier-ignore
  return { bytes, closing: '', isLast: true, ...(share && { share }) };
}

interface Ran {
  readonly text: string;
  readonly closedCount: number;
  readonly heldBytes: number;
  /** Whether the question is tried again at once. */
  readonly isWorth: boolean;
}

async function run(shares: readonly (Head | undefined | DbError)[]): Promise<Ran> {
  const memory = new ApartMemory();
  const accounts = new SelectAccounts();
  let closedCount = 0;
  const streams = shares.map(async function* (head): AsyncGenerator<AnswerPart> {
    try {
      await Promise.resolve();
      if (head instanceof DbError) throw head;
      yield partOf(head);
    } finally {
      closedCount++;
    }
  });
  const parts: string[] = [];
  const question = {
    question: 'q',
    memory,
    ascending: true,
    account: accounts.open(),
    ending: { stop: () => undefined, release: () => undefined },
  };
  let text: string;
  try {
    for await (const { bytes } of partedAnswer(streams, question)) parts.push(Buffer.from(bytes).toString()); // prettier-ignore
    text = parts.join('');
  } catch (error) {
    text = `${(error as DbError).code} after ${parts.length}`;
  }
  return { text, closedCount, heldBytes: accounts.bytes, isWorth: memory.isWorth('q') };
}

const [a, b] = [['a'], ['b']];
const done = { closedCount: 2, heldBytes: 0, isWorth: true };

test('parted answer: series of all nodes stand in the order of their groups', async () => {
  const groups = [a, ['c']];
  expect(await run([{ groups: [b] }, { groups }])).toEqual({ text: `${prefix}<a>,<b>,<c>]}]}\n`, ...done }); // prettier-ignore
});

test('parted answer: the one that has all groups has made the document', async () => {
  expect(await run([{}, { groups: [a] }])).toEqual({ text: `${prefix}<a>]}]}\n`, ...done });
  expect((await run([{}, {}])).text).toBe(`${prefix}]}]}\n`);
});

test('parted answer: one that has nothing of the measurement has nothing to show in the others', async () => {
  expect((await run([{ planned: '' }, { groups: [a] }])).text).toBe(`${prefix}<a>]}]}\n`);
});

test.each([
  ['a group of both', [{ groups: [a] }, { groups: [a, b] }]],
  ['fields of one alone, which the series of the other have to show', [{ planned: 'other' }, { groups: [a] }]],
  ['more groups than are told', [{ groups: Array.from({ length: 65_537 }, (_, i) => [String(1e6 + i)]) }, {}]],
  ['a node of an earlier release', [undefined, { groups: [a] }]],
  ['a node that refuses texts, where another has numbers', [new DbError('invalid_argument', 'unsupported mean iterator type'), { groups: [a] }]],
])('parted answer: with %s nothing has left, and it is not tried again at once', async (_what, shares) => {
  expect(await run(shares)).toEqual({ text: 'unavailable after 0', closedCount: 2, heldBytes: 0, isWorth: false }); // prettier-ignore
}); // prettier-ignore

test('parted answer: a node that fails is told as it is, and the others are closed', async () => {
  const failed = new DbError('outcome_unknown', 'the connection broke');
  expect(await run([failed, { groups: [a] }])).toEqual({
    text: 'outcome_unknown after 0',
    ...done,
  });
});

test('parted answer: groups out of order are not believed', async () => {
  expect((await run([{ groups: [b, a] }, {}])).text).toBe('corrupt after 0');
});

test('parted answer: one that fails at once ends the others, however long they would take to begin', async () => {
  const ending = new AbortController();
  const failing = {
    next: () => Promise.reject(new DbError('unavailable', 'the node is down')),
  };
  async function* slow(): AsyncGenerator<AnswerPart> {
    await new Promise<void>((resolve) => {
      ending.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    yield partOf({ groups: [a] });
  }
  const account = new SelectAccounts().open();
  const stop = () => {
    ending.abort();
  };
  const asked = {
    question: 'q',
    memory: new ApartMemory(),
    ascending: true,
    account,
    ending: { stop, release: () => undefined },
  };
  await expect(partedAnswer([slow(), failing], asked).next()).rejects.toThrow('the node is down');
});
