import { expect, test } from 'vitest';
import { MemoryKv } from '../../../test/support/memory-kv.ts';
import type { Entry } from '../../raft/types.ts';
import { applyCommand } from '../apply/apply.ts';
import { encodeCatalog } from '../codec/catalog-codec.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { RaftStorage, type Restored } from './raft-storage.ts';
import { recoveredCluster, type CatalogCopy } from './recovered-cluster.ts';

const addresses = [1, 2, 3].map((n) => ({ httpAddress: `m${n}:8091`, tcpAddress: `m${n}:8089` }));
const [self, second, third] = addresses as [Address, Address, Address];
type Address = Readonly<Record<'httpAddress' | 'tcpAddress', string>>;
const membership = { voters: addresses.map(({ tcpAddress }, i) => ({ id: i + 1, address: tcpAddress })), learners: [] }; // prettier-ignore
const none: Restored = { identity: undefined, hardState: undefined, snapshot: undefined, entries: [] }; // prettier-ignore

/** Three meta nodes and two data nodes, at index 1; then a command at each index. */
const founding: readonly Command[] = [
  { kind: 'found-cluster', clusterId: 7n },
  ...addresses.map((address): Command => ({ kind: 'create-meta-node', ...address })),
  ...[1, 2].map((n): Command => ({ kind: 'create-data-node', httpAddress: `d${n}:8086`, tcpAddress: `d${n}:8088`, dataNodesMax: 2 })), // prettier-ignore
];
const first = founding.reduce((catalog, command, i) => after(catalog, 1, command, `f${i}`), emptyCatalog); // prettier-ignore

function after(catalog: Catalog, index: number, command: Command, id = `c${index}`): Catalog {
  return applyCommand(catalog, index, { id, command }).catalog;
}

function made(index: number, name: string): Entry {
  const command: Command = { kind: 'create-database', name };
  return { index, term: 2, kind: 'command', data: encodeLogged({ id: `c${index}`, command }, 'protobuf') }; // prettier-ignore
}

/** What the first meta node kept: databases from index 2 on, of which it knew those up to `commit` to be committed. */
function keeping(names: readonly string[], commit: number): Restored {
  return {
    identity: { nodeId: 1, clusterId: 7n },
    hardState: { term: 2, vote: 2, commit },
    snapshot: { index: 1, term: 1, membership, data: encodeCatalog(first, 'protobuf') },
    entries: names.map((name, i) => made(i + 2, name)),
  };
}

/** What data node `n` has heard of: databases from index 2 on. */
function copy(n: number, names: readonly string[]): CatalogCopy {
  const catalog = names.reduce((catalog, name, i) => after(catalog, i + 2, { kind: 'create-database', name }), first); // prettier-ignore
  return { place: `d${n}`, nodeId: n + 3, catalog };
}

function namesOf({ databases }: Catalog): readonly string[] {
  return databases.map(({ name }) => name);
}

test('recovered cluster: what the node kept counts, also beyond its last commit, where nobody has heard of more', () => {
  const { catalog, from, givenUp, identity, snapshot, hardState, unheard } = recoveredCluster(keeping(['a', 'b', 'c'], 3), [copy(1, ['a']), copy(2, [])], self); // prettier-ignore
  expect(namesOf(catalog)).toEqual(['a', 'b', 'c']);
  expect(from).toBe('what this node kept');
  expect(identity).toEqual({ nodeId: 1, clusterId: 7n });
  expect(catalog.metaNodes).toEqual([{ id: 1, ...self }]);
  expect(givenUp).toEqual([{ id: 2, ...second }, { id: 3, ...third }]); // prettier-ignore
  expect(unheard).toEqual([]);
  expect(snapshot).toMatchObject({ index: 1_004, term: 3, membership: { voters: [{ id: 1, address: 'm1:8089' }] } }); // prettier-ignore
  expect(hardState).toEqual({ term: 3, vote: 0, commit: 1_004 });
  expect(catalog.index).toBe(1_004);
});

test('recovered cluster: a data node that has heard of more counts, and what others have not decided does not', () => {
  const { catalog, from, fromIndex } = recoveredCluster(keeping(['a', 'lost'], 2), [copy(1, ['a', 'b']), copy(2, ['a'])], self); // prettier-ignore
  expect(namesOf(catalog)).toEqual(['a', 'b']);
  expect([from, fromIndex]).toEqual(['d1', 3]);
});

test('recovered cluster: with nothing kept the catalogs of data nodes are enough, for a node of another name too', () => {
  const fourth = { httpAddress: 'm4:8091', tcpAddress: 'm4:8089' };
  const copies = [copy(1, ['a', 'b']), copy(2, ['a', 'b'])];
  expect(recoveredCluster(none, copies, second).identity).toEqual({ nodeId: 2, clusterId: 7n });
  const { catalog, identity } = recoveredCluster(none, copies, fourth);
  expect(catalog.metaNodes).toEqual([{ id: 6, ...fourth }]);
  expect(identity.nodeId).toBe(6);
  // One whose port has changed is not in its own way.
  const moved = { httpAddress: 'm2:9091', tcpAddress: 'm2:8089' };
  expect(recoveredCluster(none, copies, moved).catalog.metaNodes).toEqual([{ id: 6, ...moved }]);
});

test('recovered cluster: no holder of a lease has shown a token of the next one', () => {
  const lease = { kind: 'acquire-lease', name: 'cqs', nodeId: 4, nowNs: 1n, durationNs: 9n } as const; // prettier-ignore
  const copies = [{ ...copy(1, []), catalog: after(first, 2, lease) }];
  const { catalog } = recoveredCluster(none, copies, self);
  const again = after(catalog, 2_000, { ...lease, nodeId: 5, nowNs: 99n });
  expect(again.leases[0]?.token).toBeGreaterThan(1_000);
});

test('recovered cluster: data nodes that are not heard are named; other clusters and nothing at all are refused', () => {
  expect(recoveredCluster(keeping([], 1), [copy(2, [])], self).unheard).toMatchObject([{ id: 4 }]);
  const other = { ...copy(1, []), catalog: { ...first, clusterId: 8n } };
  expect(() => recoveredCluster(keeping([], 1), [other], self)).toThrow(/different clusters: 7, 8$/); // prettier-ignore
  expect(() => recoveredCluster(none, [], self)).toThrow('there is no catalog to recover from');
});

test('raft storage: what is recovered takes the place of all that was there', async () => {
  const kv = new MemoryKv();
  const storage = new RaftStorage(kv);
  const { identity = { nodeId: 0, clusterId: 0n }, snapshot, entries } = keeping(['a', 'b'], 2);
  await storage.open();
  if (snapshot !== undefined) await storage.found(identity, snapshot, { term: 1, vote: 0, commit: 1 }); // prettier-ignore
  await storage.save({ hardState: undefined, snapshot: undefined, entries, messages: [], committed: [], reads: [] }, { term: 1, vote: 0, commit: 1 }); // prettier-ignore
  const kept = await new RaftStorage(kv).open();
  expect(kept.entries).toHaveLength(2);
  const recovered = recoveredCluster(kept, [], self);
  await storage.replace(recovered.identity, recovered.snapshot, recovered.hardState);
  const again = await new RaftStorage(kv).open();
  expect(again).toMatchObject({ identity: { nodeId: 1 }, hardState: { commit: 1_003 }, entries: [] }); // prettier-ignore
});
