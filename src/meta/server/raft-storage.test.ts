import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MemoryKv } from '../../../test/support/memory-kv.ts';
import type { Entry, HardState, Ready, Snapshot } from '../../raft/types.ts';
import { encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { encodeRecord } from './raft-records.ts';
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
    kv.values.set(`entry/${String(index).padStart(16, '0')}`, encodeRecord('entry', entry(index, terms[i] ?? 0))); // prettier-ignore
  if (what.startsWith('an end'))
    kv.values.set('hard-state', encodeRecord('hard-state', { ...start, commit: 5 }));
  await expect(new RaftStorage(kv).open()).rejects.toThrow(text);
});

test('raft storage: a term that a forged message has left behind is named', async () => {
  const { kv } = await founded();
  kv.values.set('hard-state', encodeMessage({ term: 1e300, vote: 0, commit: 1 }));
  await expect(new RaftStorage(kv).open()).rejects.toThrow('raft hard state: term 1e+300 is out of range'); // prettier-ignore
  kv.values.set('hard-state', encodeRecord('hard-state', { term: 2 ** 50, vote: 0, commit: 1 }));
  await expect(new RaftStorage(kv).open()).rejects.toThrow('raft hard state: message: term is not within 0 and 281474976710656'); // prettier-ignore
});

test.each(['identity', 'hard-state', 'snapshot', 'entry/0000000000000002'])(
  'raft storage: %s that does not read is corrupt, and names itself',
  async (key) => {
    const { kv, storage } = await founded();
    await storage.save(ready({ entries: [entry(2, 2)] }), start);
    kv.values.set(key, Uint8Array.of(0x0a, 0xff));
    const name = key.replace('-', ' ').replace(/\/.*/, '');
    await expect(new RaftStorage(kv).open()).rejects.toMatchObject({ code: 'corrupt', message: `raft ${name}: message: it does not read` }); // prettier-ignore
  },
);

/** What a release that knew no other form has written. */
function recordedBefore(): MemoryKv {
  const text = readFileSync(new URL('testdata/json-form.txt', import.meta.url), 'utf8');
  const kv = new MemoryKv();
  for (const line of text.trimEnd().split('\n')) {
    const [key = '', base64 = ''] = line.split(' ');
    kv.values.set(key, new Uint8Array(Buffer.from(base64, 'base64')));
  }
  return kv;
}

test('raft storage: what a release before has kept is all there, and written anew in one synced batch', async () => {
  const kv = recordedBefore();
  const restored = await new RaftStorage(kv).open();
  const members = [1, 2, 3].map((id) => ({ id, address: `m${id}:8089` }));
  const before = { voters: members.slice(0, 2), learners: members.slice(2) };
  expect(restored).toEqual({
    identity: { nodeId: 2, clusterId: 18364758544493064720n },
    hardState: { term: 4, vote: 1, commit: 9 },
    snapshot: { index: 7, term: 3, membership: before, data: Uint8Array.of(0, 1, 254, 255) },
    entries: [
      { index: 8, term: 4, kind: 'empty' },
      { index: 9, term: 4, kind: 'command', data: Uint8Array.of(86, 77, 71, 49, 0) },
      { index: 10, term: 4, kind: 'membership', membership: { voters: members, learners: [] } },
      { index: 11, term: 4, kind: 'command', data: new Uint8Array() },
    ],
  });
  expect(kv.syncs).toEqual([true]);
  for (const [key, bytes] of kv.values) expect([key, isMessageBlock(bytes)]).toEqual([key, false]);
  expect(await new RaftStorage(kv).open()).toEqual(restored);
  expect(kv.syncs).toEqual([true]);
});

test('raft storage: a bit of a record that has turned over is found, or changes nothing', async () => {
  const { kv, storage } = await founded();
  const hardState = { term: 2, vote: 1, commit: 2 };
  await storage.save(ready({ hardState, entries: [entry(2, 2)] }), start);
  const whole = await new RaftStorage(kv).open();
  let refusedCount = 0;
  for (const [key, bytes] of [...kv.values])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bad = bytes.slice();
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      kv.values.set(key, bad);
      try {
        expect(await new RaftStorage(kv).open(), `${key}, bit ${bit}`).toEqual(whole);
      } catch (error) {
        expect(error, `${key}, bit ${bit}`).toMatchObject({ code: 'corrupt' });
        refusedCount++;
      }
      kv.values.set(key, bytes);
    }
  // All but those of a tag, without which a record counts as one of a release before.
  expect(refusedCount).toBeGreaterThan(200);
});

test('raft storage: records of a release that wrote no sums are read, and have one from then on', async () => {
  const { kv } = await founded();
  const sumBytes = 9;
  for (const [key, bytes] of kv.values) kv.values.set(key, bytes.subarray(0, bytes.length - sumBytes)); // prettier-ignore
  const before = new Map([...kv.values].map(([key, bytes]) => [key, bytes.length]));
  const { snapshot } = await new RaftStorage(kv).open();
  expect(snapshot).toEqual(snapshotAt(1, 1));
  for (const [key, bytes] of kv.values) expect(bytes.length).toBe((before.get(key) ?? 0) + sumBytes); // prettier-ignore
});
