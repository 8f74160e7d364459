import { expect, test } from 'vitest';
import { DbError } from '../../../../base/errors.ts';
import type { EngineCallOptions } from '../../../../env/engine-host.ts';
import { heldBytesMax, type AnswerPart, type AnswerRequest } from '../answer-task.ts';
import { HelpedAnswer } from './helped-answer.ts';
import type { ChunkCut, ChunkPart, SharedAnswer } from './shared-answer.ts';

const head = '{"results":[{"statement_id":0,"series":[';
const request: AnswerRequest = { text: 't', nowNs: 1n, isKept: true };
const cut: ChunkCut = { kind: 'groups', ends: [] };
/** 'never' comes when a test ends, and not before. */
type Reply = ChunkPart | Error | 'never';

function part(chunk: number, text: string, isEnd = true, isFirst = true): ChunkPart {
  const bytes = new Uint8Array(Buffer.from(isFirst && text !== '' ? head + text : text));
  return { chunk, bytes, headBytes: isFirst && text !== '' ? head.length : 0, isEnd };
}

/** A worker that says what it is given, and notes what it was asked and whether it was told to stop. */
class Worker {
  readonly asked: string[] = [];
  stopCount = 0;
  readonly #replies: ReadonlyMap<string, readonly unknown[]>;

  constructor(replies: Readonly<Record<string, readonly unknown[]>>) {
    this.#replies = new Map(Object.entries(replies));
  }

  async *stream(
    kind: string,
    body: unknown,
    { signal }: EngineCallOptions = {},
  ): AsyncGenerator<unknown, void, undefined> {
    const isShared = kind === 'answer' && (body as AnswerRequest).mayBeHelped === true;
    const name = isShared ? 'shared' : kind;
    this.asked.push(name);
    signal?.addEventListener('abort', () => this.stopCount++);
    for (const reply of this.#replies.get(name) ?? []) {
      await Promise.resolve();
      if (reply === 'never') await new Promise(() => undefined);
      if (reply instanceof Error) throw reply;
      yield reply;
    }
  }
}

async function answerOf(own: readonly Reply[], helping: readonly Reply[], chunkCount = 3) {
  const shared = { cut, chunkCount } as SharedAnswer;
  const alone = [{ bytes: new Uint8Array(Buffer.from('alone')), closing: '', isLast: true }];
  const home = new Worker({ shared: [{ shared }, ...own], answer: alone });
  const helper = new Worker({ assist: helping });
  const texts: string[] = [];
  let error: unknown;
  try {
    for await (const { bytes } of new HelpedAnswer(
      { home, helper },
      request,
      new AbortController().signal,
    ))
      // prettier-ignore
      texts.push(Buffer.from(bytes).toString());
  } catch (thrown) {
    error = thrown;
  }
  return { text: texts.join(''), error, home, helper };
}

const whole = `${head}{"a"},{"b"},{"c"}]}]}\n`;

test('helped answer: chunks stand in their order, whoever made them', async () => {
  const orders: readonly (readonly [readonly Reply[], readonly Reply[]])[] = [
    [[part(0, '{"a"}'), part(2, '{"c"}')], [part(1, '{"b"}')]],
    [[part(2, '{"c"}')], [part(0, '{"a"}'), part(1, '{"b"}')]],
    [[part(0, '{"a"}'), part(1, '{"b"}'), part(2, '{"c"}')], []],
    [[part(0, '{"a"}'), part(1, '{"b"}'), part(2, '{"c"}')], ['never']],
    [[], [part(0, '{"a"}'), part(1, '{"b"', false), part(1, '}', true, false), part(2, '{"c"}')]],
  ];
  for (const [own, helping] of orders) {
    const { text, home, helper } = await answerOf(own, helping);
    expect(text).toBe(whole);
    expect([home.stopCount, helper.stopCount]).toEqual([1, 1]);
  }
});

test('helped answer: chunks without rows leave nothing, and an answer of such is an empty one', async () => {
  const { text } = await answerOf([part(0, ''), part(2, '{"c"}')], [part(1, '')]);
  expect(text).toBe(`${head}{"c"}]}]}\n`);
  const empty = await answerOf([part(0, ''), part(2, '')], [part(1, '')]);
  expect(empty.text).toBe('{"results":[{"statement_id":0}]}\n');
});

test('helped answer: a value that JSON has no word for in the first chunk makes one worker answer', async () => {
  const refused = new DbError('invalid_argument', 'json: unsupported value: NaN');
  const first = await answerOf([refused], [part(1, '{"b"}')]);
  expect([first.text, first.error]).toEqual(['alone', undefined]);
  expect(first.home.asked).toEqual(['shared', 'answer']);
});

test('helped answer: in a later chunk it is the general way that tells it of the whole, unless some has left', async () => {
  const refused = new DbError('invalid_argument', 'json: unsupported value: NaN');
  const held = await answerOf([part(0, '{"a"}'), refused], [part(1, '{"b"}')]);
  expect(held.error).toMatchObject({ code: 'unavailable' });
  const long = `"${'x'.repeat(heldBytesMax)}"`;
  const left = await answerOf([part(0, long), refused], [part(1, '{"b"}')]);
  expect(left.error).toBe(refused);
});

test('helped answer: memory that is too little for two workers may be enough for one', async () => {
  const full = new DbError('limit_exceeded', 'max-query-memory limit exceeded');
  for (const [own, helping] of [
    [[full], []],
    [[], [full]],
  ] as const) {
    const { text, error, home } = await answerOf(own, helping);
    expect([text, error]).toEqual(['alone', undefined]);
    expect(home.asked).toEqual(['shared', 'answer']);
  }
  const long = `"${'x'.repeat(heldBytesMax)}"`;
  expect((await answerOf([part(0, long), full], [])).error).toBe(full);
});

test('helped answer: who leaves it while a part is waited for need not wait', async () => {
  const home = new Worker({ shared: ['never'] });
  const parts = new HelpedAnswer({ home, helper: new Worker({}) }, request, new AbortController().signal); // prettier-ignore
  void parts.next();
  void parts.return();
  await Promise.resolve();
  expect(home.stopCount).toBe(1);
});

test('helped answer: damage that the helper meets is the answer of both, and both are told to stop', async () => {
  const damage = new DbError('corrupt', 'shard 7 is damaged');
  const { error, home, helper } = await answerOf([part(0, '{"a"}'), part(2, '{"c"}')], [damage]);
  expect(error).toBe(damage);
  expect([home.stopCount, helper.stopCount]).toEqual([1, 1]);
});

test('helped answer: both workers are told to stop when the client has gone', async () => {
  const shared = { cut, chunkCount: 3 } as SharedAnswer;
  const home = new Worker({ shared: [{ shared }, part(0, '{"a"}'), 'never'] });
  const helper = new Worker({ assist: ['never'] });
  const client = new AbortController();
  const parts = new HelpedAnswer({ home, helper }, request, client.signal);
  expect((await parts.next()).done).toBe(false);
  client.abort();
  expect([home.stopCount, helper.stopCount]).toEqual([1, 1]);
});

test('helped answer: a worker that ends before its chunk is no end of the answer', async () => {
  const { error } = await answerOf([part(0, '{"a"}'), part(2, '{"c"}')], []);
  expect(error).toEqual(new DbError('internal', 'a worker ended before its chunks'));
});

test('helped answer: what is not shared leaves as it comes', async () => {
  const parts: AnswerPart[] = ['x', 'y'].map((text) => ({ bytes: new Uint8Array(Buffer.from(text)), closing: '' })); // prettier-ignore
  const home = new Worker({ shared: parts });
  const helper = new Worker({});
  const got: AnswerPart[] = [];
  for await (const one of new HelpedAnswer({ home, helper }, request, new AbortController().signal)) got.push(one); // prettier-ignore
  expect(got).toEqual(parts);
  expect(helper.asked).toEqual([]);
});
