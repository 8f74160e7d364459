import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { joinedEntryWords } from '../../kernels/line-kernel.ts';
import type { JoinedTask } from '../engine/lines/joined-bodies.ts';
import type { WrittenJoined } from '../engine/lines/write-joined.ts';
import type { WriteRequest } from './body-routes.ts';
import { joinedBodyBytesMax, JoinedWrites, type JoinedOutcome } from './joined-writes.ts';

/** A writer whose turns end, whose clock goes and whose groups are written when a test says so. */
function setUp({ hasPlan = true }: { readonly hasPlan?: boolean } = {}) {
  const turns: Latch<undefined>[] = [];
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  const sent: { readonly task: JoinedTask; readonly done: Latch<WrittenJoined | undefined> }[] = [];
  const now = { ms: 0, ns: 100n };
  const clock = {
    wallNs: () => ++now.ns,
    monotonicMs: () => now.ms,
    sleep: () => {
      const turn = new Latch<undefined>();
      turns.push(turn);
      return turn.promise;
    },
    after: (ms: number, run: () => void) => {
      const timer = { ms, run };
      timers.push(timer);
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) };
    },
  } as unknown as Clock;
  const own = { database: 'd', retentionPolicy: 'p', shardIds: [1], stamp: 1n };
  const planned: string[] = [];
  const writes = new JoinedWrites({
    clock,
    plan: ({ database }) => {
      planned.push(database);
      return hasPlan ? { bounds: {}, groups: [], own } : undefined;
    },
    write: (task) => {
      const done = new Latch<WrittenJoined | undefined>();
      sent.push({ task, done });
      return done.promise;
    },
  });
  return { writes, turns, timers, sent, planned, now };
}

const request: WriteRequest = { database: 'd', retentionPolicy: '', body: new Uint8Array(), stepNs: 1n, level: 'one', timeoutMs: 1_000 }; // prettier-ignore

/** All that promises have to say. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function run(parts: ReturnType<typeof setUp>, outcomes: string[] = []) {
  const { writes, turns, sent } = parts;
  const put = (text: string, more: Partial<WriteRequest> = {}): boolean => {
    const body = new TextEncoder().encode(text);
    const settle = (outcome: JoinedOutcome): void => {
      outcomes.push(`${text} ${said(outcome)}`);
    };
    return writes.take({ ...request, ...more, body }, settle);
  };
  const endTurn = async (): Promise<void> => {
    turns.shift()?.open(undefined);
    await settled();
  };
  /** Texts of the groups that were sent. */
  const groups = (): readonly string[] =>
    sent.map(({ task }) => new TextDecoder().decode(task.text).replaceAll('\n', ';'));
  /** Answers a group, whose bodies have as many lines as there are signs in them. */
  const answer = async (index: number, pointCount: number | undefined): Promise<void> => {
    const one = sent[index];
    if (one === undefined) throw new Error(`group ${index} was not sent`);
    let before = 0;
    for (let at = 0; at < one.task.table.length; at += joinedEntryWords) {
      const end = one.task.table[at] ?? 0;
      one.task.table[at + 1] = end - before - 1;
      one.task.table[at + 2] = 2 * (end - before - 1);
      before = end;
    }
    one.done.open(pointCount === undefined ? undefined : { shardId: 1, pointCount });
    await settled();
  };
  return { put, endTurn, groups, answer, outcomes };
}

function said(outcome: JoinedOutcome): string {
  if (outcome.kind === 'written') return `written ${outcome.pointCount} ${outcome.valueCount}`;
  if (outcome.kind === 'apart') return `apart ${new TextDecoder().decode(outcome.body)}`;
  return `failed ${String(outcome.error)}`;
}

test('joined writes: bodies of a turn go as one, those that come meanwhile once they are written', async () => {
  const parts = setUp();
  const { put, endTurn, groups, answer, outcomes } = run(parts);
  expect([put('a'), put('bb')]).toEqual([true, true]);
  expect(groups()).toEqual([]);
  await endTurn();
  expect(groups()).toEqual(['a;bb;']);
  put('c');
  put('d');
  await endTurn();
  expect(parts.turns).toEqual([]);
  expect(groups()).toEqual(['a;bb;']);
  await answer(0, 3);
  expect(groups()).toEqual(['a;bb;', 'c;d;']);
  expect(outcomes).toEqual(['a written 1 2', 'bb written 2 4']);
  await answer(1, 2);
  expect(outcomes.slice(2)).toEqual(['c written 1 2', 'd written 1 2']);
  // Nothing waits for company.
  put('e');
  await endTurn();
  expect(groups()).toHaveLength(3);
});

test('joined writes: bodies of other places or steps are other groups; lines without a time have that of their body', async () => {
  const parts = setUp();
  const { put, endTurn, groups } = run(parts);
  put('a');
  put('b', { database: 'e' });
  put('c', { stepNs: 1_000n });
  put('d', { retentionPolicy: 'q' });
  put('e');
  await endTurn();
  expect(groups()).toEqual(['a;e;', 'b;', 'c;', 'd;']);
  const [first] = parts.sent;
  const behind = [4, 4 + joinedEntryWords].map((at) => first?.task.table[at]);
  expect([first?.task.defaultTimeNs, ...behind]).toEqual([101n, 0, 4]);
});

test('joined writes: a newline in a name makes no body one of another database', async () => {
  const parts = setUp();
  const { put, endTurn, groups } = run(parts);
  put('a', { database: 'd\ne', retentionPolicy: 'p' });
  put('b', { database: 'd', retentionPolicy: 'e\np' });
  await endTurn();
  expect(groups()).toEqual(['a;', 'b;']);
  expect(parts.planned).toEqual(['d\ne', 'd']);
});

test.each([
  { database: 'e' },
  { retentionPolicy: 'q' },
  { stepNs: 1_000n },
  { level: 'any' as const },
  { timeoutMs: 2_000 },
  { login: 'x' },
])('joined writes: bodies that differ in %o are not of one group', async (other) => {
  const { put, endTurn, groups } = run(setUp());
  for (const [text, more] of [['a', {}], ['b', other], ['c', other], ['d', {}]] as const) put(text, more); // prettier-ignore
  await endTurn();
  expect(groups()).toEqual(['a;d;', 'b;c;']);
});

test('joined writes: a body with much or nothing in it, a fence, or a level that is none goes by itself', () => {
  const { put } = run(setUp());
  expect(put('a'.repeat(joinedBodyBytesMax))).toBe(true);
  expect(put('a'.repeat(joinedBodyBytesMax + 1))).toBe(false);
  expect(put('')).toBe(false);
  expect(put('a', { fence: { lease: 'l', token: 1 } })).toBe(false);
  expect(put('a', { level: undefined })).toBe(false);
});

test('joined writes: a group that is large goes at once, beside one that is on its way', async () => {
  const { put, endTurn, groups } = run(setUp());
  put('a');
  await endTurn();
  const long = 'b'.repeat(joinedBodyBytesMax);
  for (let i = 0; i < 20; i++) put(long);
  await settled();
  expect(groups().map(({ length }) => length > joinedBodyBytesMax)).toEqual([false, true]);
});

test('joined writes: bodies that cannot be one go by themselves, for longer each time, until some can', async () => {
  const parts = setUp();
  const { put, endTurn, answer, outcomes } = run(parts);
  const { now } = parts;
  const refuse = async (index: number): Promise<void> => {
    put('a');
    put('b');
    await endTurn();
    await answer(index, undefined);
  };
  await refuse(0);
  expect(outcomes).toEqual(['a apart a', 'b apart b']);
  expect(put('c')).toBe(false);
  expect(put('c', { database: 'e' })).toBe(true);
  await endTurn();
  now.ms += 10;
  await refuse(2);
  now.ms += 10;
  expect(put('d')).toBe(false);
  now.ms += 10;
  expect(put('d')).toBe(true);
  await endTurn();
  await answer(3, 1);
  await refuse(4);
  now.ms += 10;
  expect(put('e')).toBe(true);
});

test('joined writes: without a plan each goes by itself, and so it does when a write fails', async () => {
  const none = run(setUp({ hasPlan: false }));
  none.put('a');
  await none.endTurn();
  expect(none.outcomes).toEqual(['a apart a']);
  const parts = setUp();
  const { put, endTurn, outcomes } = run(parts);
  put('b');
  await endTurn();
  parts.sent[0]?.done.fail(new DbError('cache_full', 'full'));
  await settled();
  expect(outcomes).toEqual(['b apart b']);
});

test('joined writes: what takes too long may be written yet, and is told so; waiting for others counts', async () => {
  const parts = setUp();
  const { put, endTurn, outcomes, answer } = run(parts);
  put('a');
  await endTurn();
  parts.now.ms = 400;
  put('b');
  parts.now.ms = 1_000;
  expect(parts.timers.map(({ ms }) => ms)).toEqual([1_000]);
  parts.timers[0]?.run();
  await settled();
  expect(outcomes).toEqual(['a failed DbError: timeout']);
  // The next one has what is left of its time.
  expect(parts.timers.map(({ ms }) => ms)).toContain(400);
  await answer(0, 1);
  await answer(1, 1);
  expect(outcomes).toEqual(['a failed DbError: timeout', 'b written 1 2']);
});

test('joined writes: the memory of a body is free once it is taken', () => {
  const { writes } = setUp();
  const body = new TextEncoder().encode('a');
  let isRead = false;
  expect(writes.take({ ...request, body, bodyRead: () => (isRead = true) }, () => undefined)).toBe(true); // prettier-ignore
  expect(isRead).toBe(true);
});
