import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { OwnerReceipt } from '../engine/shard-access.ts';
import { parseConsistencyLevel, requiredOwners, type ConsistencyLevel } from './consistency.ts';
import { awaitOwners, localPatienceMs } from './owner-writes.ts';
import type { Share, ShareOutcome } from './share.ts';

/** A clock whose timers fire when told, by their durations. */
function handClock(): { clock: Clock; fire: (durationMs: number) => void } {
  const pending = new Map<number, () => void>();
  const clock = {
    after: (durationMs: number, run: () => void) => {
      pending.set(durationMs, run);
      return { cancel: () => pending.delete(durationMs) };
    },
  } as unknown as Clock;
  return { clock, fire: (durationMs) => pending.get(durationMs)?.() };
}

const accepted = Promise.resolve();
const never = new Promise<never>(() => undefined);
const share = (outcome: ShareOutcome): Share => ({ accepted, outcome: Promise.resolve(outcome) });
const written = (droppedCount: number, reason: string): Share =>
  share({ kind: 'written', receipt: { droppedCount, reason } });

const ok = written(0, '');
const refused = new DbError('unavailable', 'dial tcp: refused');
const down = share({ kind: 'lost', error: refused });
const hinted = share({ kind: 'queued', error: refused });
const hangs: Share = { accepted, outcome: never };
const notEmpty = new DbError('unavailable', 'hinted handoff queue not empty');

interface Asked {
  readonly level: ConsistencyLevel;
  readonly localOwner?: number;
}

/** What a write answers whose owners, numbered from 4, do so; `behind` lists those that lacked it at the answer. */
function begin({ level, localOwner }: Asked, ...shares: readonly Share[]) {
  const { clock, fire } = handClock();
  const behind: number[] = [];
  const answer = { text: 'waits' };
  const receipt = awaitOwners(clock, new Map(shares.map((one, i) => [i + 4, one])), {
    level,
    timeoutMs: 10_000,
    localOwner,
    onAnswered: (owner) => behind.push(owner),
  });
  receipt.then(
    () => {
      answer.text = 'ok';
    },
    (error: unknown) => {
      answer.text = (error as Error).message;
    },
  );
  return { fire, behind, answer, receipt };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

async function outcome(level: ConsistencyLevel, ...shares: readonly Share[]): Promise<string> {
  const { answer } = begin({ level }, ...shares);
  await settle();
  return answer.text;
}

test('consistency: levels parse in any case, the default is one', () => {
  expect(['ANY', 'One', 'quorum', 'all', ''].map(parseConsistencyLevel)).toEqual([
    'any',
    'one',
    'quorum',
    'all',
    'one',
  ]);
  expect(parseConsistencyLevel('two')).toBeUndefined();
});

test('consistency: quorum of 1, 2, 3, 4, 5 owners', () => {
  expect([1, 2, 3, 4, 5].map((n) => requiredOwners('quorum', n))).toEqual([1, 2, 2, 3, 3]);
  expect(requiredOwners('all', 3)).toBe(3);
});

test('owner writes: the outcomes of the reference', async () => {
  expect(await outcome('one', ok, down)).toBe('ok');
  expect(await outcome('any', down, down)).toBe('write failed: dial tcp: refused');
  expect(await outcome('all', ok, down)).toBe('partial write');
  expect(await outcome('quorum', ok, down)).toBe('partial write');
  expect(await outcome('quorum', ok, ok, down)).toBe('ok');
  expect(await outcome('all', down)).toBe('write failed: dial tcp: refused');
  expect(await outcome('one')).toBe('write failed');
});

test('owner writes: a copy that is queued counts for any, and for no other level', async () => {
  expect(await outcome('any', hinted, down)).toBe('ok');
  expect(await outcome('one', hinted, hinted)).toBe('write failed: dial tcp: refused');
  expect(await outcome('quorum', ok, hinted)).toBe('partial write');
  const behindQueue = share({ kind: 'queued', error: notEmpty });
  expect(await outcome('one', behindQueue)).toBe('write failed: hinted handoff queue not empty');
});

test('owner writes: an owner that hangs does not delay a level already met, and times out otherwise', async () => {
  expect(await outcome('one', hangs, ok)).toBe('ok');
  const { fire, answer } = begin({ level: 'all' }, ok, hangs);
  await settle();
  expect(answer.text).toBe('waits');
  fire(10_000);
  await settle();
  expect(answer.text).toBe('timeout');
});

test('owner writes: the answer waits for the copy of this node, but not for ever', async () => {
  let openLocal: (outcome: ShareOutcome) => void = () => undefined;
  const local: Share = {
    accepted,
    outcome: new Promise((resolve) => {
      openLocal = resolve;
    }),
  };
  const first = begin({ level: 'one', localOwner: 5 }, ok, local);
  await settle();
  expect(first.answer.text).toBe('waits');
  openLocal({ kind: 'written', receipt: { droppedCount: 0, reason: '' } });
  await settle();
  expect(first).toMatchObject({ answer: { text: 'ok' }, behind: [] });
  const slow = begin({ level: 'one', localOwner: 5 }, ok, hangs);
  await settle();
  expect(slow.answer.text).toBe('waits');
  slow.fire(localPatienceMs);
  await settle();
  expect(slow).toMatchObject({ answer: { text: 'ok' }, behind: [5] });
  const failed = begin({ level: 'one', localOwner: 5 }, ok, down);
  await settle();
  expect(failed).toMatchObject({ answer: { text: 'ok' }, behind: [5] });
});

test('owner writes: a writer that is ahead of the memory of an owner is held back', async () => {
  let accept: () => void = () => undefined;
  const full: Share = {
    accepted: new Promise((resolve) => {
      accept = resolve;
    }),
    outcome: never,
  };
  const held = begin({ level: 'one' }, ok, full);
  await settle();
  expect(held.answer.text).toBe('waits');
  accept();
  await settle();
  expect(held).toMatchObject({ answer: { text: 'ok' }, behind: [5] });
  const late = begin({ level: 'one' }, ok, { accepted: never, outcome: never });
  await settle();
  late.fire(10_000);
  await settle();
  expect(late.answer.text).toBe('ok');
});

test('owner writes: points refused by an owner are told although the write counts', async () => {
  const { receipt } = begin({ level: 'all' }, written(2, 'field type conflict'), ok);
  const wanted: OwnerReceipt = { droppedCount: 2, reason: 'field type conflict' };
  expect(await receipt).toEqual(wanted);
});
