import { expect, test } from 'vitest';
import { RaftLog } from './raft-log.ts';
import type { Entry } from './types.ts';

const command = (index: number, term: number, lengthBytes = 10): Entry => ({ kind: 'command', index, term, data: new Uint8Array(lengthBytes) }); // prettier-ignore
const snapshotAt = (index: number, term: number) => ({ index, term, membership: { voters: [], learners: [] }, data: new Uint8Array() }); // prettier-ignore

/** Behind a snapshot at 3 of term 1: terms 1, 1, 2, 4 and 4. */
function logOf(entries: readonly Entry[] = [1, 1, 2, 4, 4].map((term, i) => command(4 + i, term))) {
  return new RaftLog({ snapshot: snapshotAt(3, 1), entries, commit: 3 });
}

test('raft log: as many entries go at once as a message takes, and one at the least', () => {
  const log = logOf([command(4, 1, 40), command(5, 1, 40), command(6, 1, 500), command(7, 1, 20)]);
  const indexes = (from: number, bytesMax: number) => log.from(from, bytesMax).map(({ index }) => index); // prettier-ignore
  expect(indexes(4, 80)).toEqual([4, 5]);
  expect(indexes(4, 79)).toEqual([4]);
  // Whoever lacks one that is larger than a message would lack all behind it.
  expect(indexes(6, 100)).toEqual([6]);
  expect(indexes(4, 10_000)).toEqual([4, 5, 6, 7]);
  expect(indexes(8, 100)).toEqual([]);
});

test('raft log: where a follower may agree is at its end at the latest, and behind the snapshot at the earliest', () => {
  const log = logOf();
  expect(log.lastNotAfter(100, 9)).toEqual({ index: 8, term: 4 });
  expect(log.lastNotAfter(7, 3)).toEqual({ index: 6, term: 2 });
  expect(log.lastNotAfter(8, 1)).toEqual({ index: 5, term: 1 });
  expect(log.lastNotAfter(8, 0)).toEqual({ index: 3, term: 1 });
});

test('raft log: what agrees stays, what does not is cut off with all behind it, and what the snapshot has is passed over', () => {
  const terms = (log: RaftLog) => log.entries.map(({ term }) => term);
  const same = logOf();
  expect(same.accept(4, 1, [command(5, 1), command(6, 2)])).toBe(true);
  expect(terms(same)).toEqual([1, 1, 2, 4, 4]);
  const other = logOf();
  expect(other.accept(5, 1, [command(6, 2), command(7, 5)])).toBe(true);
  expect(terms(other)).toEqual([1, 1, 2, 5]);
  const lacking = logOf();
  expect([lacking.accept(8, 3, []), lacking.accept(9, 4, []), lacking.accept(2, 1, [])]).toEqual([false, false, false]); // prettier-ignore
  const behind = logOf();
  expect(behind.accept(3, 1, [command(2, 1), command(3, 1), command(4, 1)])).toBe(true);
  expect(terms(behind)).toEqual([1, 1, 2, 4, 4]);
});

test('raft log: one that lacks an entry, or what is committed, is not restored', () => {
  const restored = (entries: readonly Entry[], commit: number) => () => new RaftLog({ snapshot: snapshotAt(3, 1), entries, commit }); // prettier-ignore
  expect(restored([command(5, 1)], 3)).toThrow('a restored log is contiguous');
  expect(restored([command(4, 1), command(6, 1)], 3)).toThrow('a restored log is contiguous');
  expect(restored([command(4, 1)], 5)).toThrow('a restored log holds all that is committed');
  expect(restored([command(4, 1)], 4)().commit).toBe(4);
});
