import { expect, test } from 'vitest';
import { MemoryKv } from '../../../test/support/memory-kv.ts';
import type { Entry, HardState, Ready, Snapshot } from '../../raft/types.ts';
import { encodeMessage } from '../../rpc/message.ts';
import { RaftStorage } from './raft-storage.ts';

const membership = { voters: [{ id: 1, address: 'm1:8089' }], learners: [] };
const identity = { nodeId: 1, clusterId: 7n };

function entry(index: number, term: number): Entry {
  return { index, term, kind: 'command', data: new Uint8Array([index]) };
}

function snapshotAt(index: number, term: number): Snapshot {
  return { index, term, membership, data: new Uint8Array() };
}

function ready(part: Partial<Ready>): Ready {
  return { hardState: undefined, snapshot: undefined, entries: [], messages: [], committed: [], reads: [], ...part }; // prettier-ignore
}

const start: HardState = { term: 1, vote: 0, commit: 1 };

async function founded(): Promise<{ kv: MemoryKv; storage: RaftStorage }> {
  const kv = new MemoryKv();
  const storage = new RaftStorage(kv);
  await storage.open();
  await storage.found(identity, snapshotAt(1, 1), start);
  return { kv, storage };
}

test('raft storage: what was saved is there when it is opened again', async () => {
  const { kv, storage } = await founded();
  const hardState = { term: 2, vote: 1, commit: 2 };
  await storage.save(ready({ hardState, entries: [entry(2, 2), entry(3, 2)] }), start);
  const restored = await new RaftStorage(kv).open();
  expect(restored).toEqual({ identity, hardState, snapshot: snapshotAt(1, 1), entries: [entry(2, 2), entry(3, 2)] }); // prettier-ignore
});

test('raft storage: entries that a leader overrules go, with all after them', async () => {
  const { kv, storage } = await founded();
  await storage.save(ready({ entries: [2, 3, 4, 5].map((index) => entry(index, 2)) }), start);
  await storage.save(ready({ entries: [entry(3, 4)] }), start);
  const { entries } = await new RaftStorage(kv).open();
  expect(entries.map(({ index, term }) => [index, term])).toEqual([[2, 2], [3, 4]]); // prettier-ignore
});

test('raft storage: a snapshot replaces the log it covers, one that came from a leader the whole log', async () => {
  const { kv, storage } = await founded();
  await storage.save(ready({ entries: [2, 3, 4].map((index) => entry(index, 2)) }), start);
  await storage.compact(snapshotAt(3, 2));
  expect((await new RaftStorage(kv).open()).entries.map(({ index }) => index)).toEqual([4]);
  await storage.save(ready({ snapshot: snapshotAt(9, 5), entries: [entry(10, 5)] }), start);
  const { entries, snapshot } = await new RaftStorage(kv).open();
  expect([snapshot?.index, ...entries.map(({ index }) => index)]).toEqual([9, 10]);
});

test('raft storage: votes, terms and entries are synced; a commit index alone need not be', async () => {
  const { kv, storage } = await founded();
  kv.syncs.length = 0;
  await storage.save(ready({ hardState: { ...start, term: 2 } }), start);
  await storage.save(ready({ hardState: { ...start, vote: 1 } }), start);
  await storage.save(ready({ entries: [entry(2, 1)] }), start);
  await storage.save(ready({ hardState: { ...start, commit: 2 } }), start);
  await storage.save(ready({}), start);
  expect(kv.syncs).toEqual([true, true, true, false]);
});

test.each([
  ['a gap', [2, 4], [2, 2], 'raft log: entry 3 is missing, found 4'],
  ['a start after the snapshot’s end', [3], [2], 'raft log: entry 2 is missing, found 3'],
  ['a term that falls', [2, 3], [4, 3], 'raft log: entry 3 is of term 3 after 4'],
  ['an end before what was committed', [], [], 'raft log: ends at 1, before its commit'],
])('raft storage: %s is not opened', async (what, indexes, terms, text) => {
  const { kv } = await founded();
  for (const [i, index] of indexes.entries())
    kv.values.set(`entry/${String(index).padStart(16, '0')}`, encodeMessage(entry(index, terms[i] ?? 0))); // prettier-ignore
  if (what.startsWith('an end'))
    kv.values.set('hard-state', encodeMessage({ ...start, commit: 5 }));
  await expect(new RaftStorage(kv).open()).rejects.toThrow(text);
});

test('raft storage: a term that a forged message has left behind is named', async () => {
  const { kv } = await founded();
  kv.values.set('hard-state', encodeMessage({ term: 1e300, vote: 0, commit: 1 }));
  await expect(new RaftStorage(kv).open()).rejects.toThrow('raft hard state: term 1e+300 is out of range'); // prettier-ignore
});
