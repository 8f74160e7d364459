import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { parseConsistencyLevel, requiredOwners, type ConsistencyLevel } from './consistency.ts';
import { writeToOwners, type OwnerWrite } from './owner-writes.ts';

/** A clock whose one timer fires when told. */
function handClock(): { clock: Clock; fire: () => void } {
  let pending: (() => void) | undefined;
  const clock = {
    after: (_durationMs: number, run: () => void) => {
      pending = run;
      return { cancel: () => (pending = undefined) };
    },
  } as unknown as Clock;
  return { clock, fire: () => pending?.() };
}

const ok: OwnerWrite = () => Promise.resolve({ droppedCount: 0, reason: '' });
const down: OwnerWrite = () => Promise.reject(new DbError('unavailable', 'dial tcp: refused'));
const hangs: OwnerWrite = () => new Promise(() => undefined);

function outcome(level: ConsistencyLevel, ...writes: OwnerWrite[]): Promise<string> {
  const owners = new Map(writes.map((write, i) => [i + 4, write]));
  const options = { level, timeoutMs: 10_000, onOwnerFailed: () => undefined };
  return writeToOwners(handClock().clock, owners, options).then(
    () => 'ok',
    (error: unknown) => (error as Error).message,
  );
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

test('owner writes: an owner that hangs does not delay a level already met, and times out otherwise', async () => {
  expect(await outcome('one', hangs, ok)).toBe('ok');
  const { clock, fire } = handClock();
  const options = { level: 'all' as const, timeoutMs: 10_000, onOwnerFailed: () => undefined };
  const write = writeToOwners(clock, new Map([[4, ok], [5, hangs]]), options); // prettier-ignore
  fire();
  await expect(write).rejects.toThrow('timeout');
});

test('owner writes: each failed owner is reported, also after the answer', async () => {
  const failed: number[] = [];
  const options = {
    level: 'one' as const,
    timeoutMs: 10_000,
    onOwnerFailed: (owner: number) => failed.push(owner),
  };
  await writeToOwners(handClock().clock, new Map([[4, ok], [5, down]]), options); // prettier-ignore
  await Promise.resolve();
  expect(failed).toEqual([5]);
});

test('owner writes: points refused by an owner are told although the write counts', async () => {
  const drops: OwnerWrite = () =>
    Promise.resolve({ droppedCount: 2, reason: 'field type conflict' });
  const options = { level: 'all' as const, timeoutMs: 10_000, onOwnerFailed: () => undefined };
  const receipt = await writeToOwners(handClock().clock, new Map([[4, drops], [5, ok]]), options); // prettier-ignore
  expect(receipt).toEqual({ droppedCount: 2, reason: 'field type conflict' });
});
