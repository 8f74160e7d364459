import { expect, test } from 'vitest';
import { DbError, errorText } from '../../base/errors.ts';
import { dataStatusMethod, joinDataMethod } from '../../meta/client/data-methods.ts';
import { removeDataNode, updateDataNode } from './change-nodes.ts';
import type { MetaApi } from './meta-api-options.ts';

/** A cluster of node 4, and what a node at another address says of itself and is told. */
function cluster(status?: { readonly cluster: string; readonly nodeId: number }) {
  const told: unknown[] = [];
  const node = {
    clusterId: 7n,
    catalog: { dataNodes: [{ id: 4, httpAddress: 'd1:8086', tcpAddress: 'd1:8088' }] },
    readBarrier: () => Promise.resolve(),
  };
  const rpc = {
    call: (address: string, method: unknown, request: unknown) => {
      if (status === undefined) return Promise.reject(new DbError('unavailable', 'nobody there'));
      if (method === dataStatusMethod) return Promise.resolve(status);
      told.push({ address, request });
      return Promise.resolve({});
    },
  };
  const api = { ports: { node, rpc } } as unknown as MetaApi;
  return { told, remove: (isForced = false) => removeDataNode('d9:8088', isForced, api) };
}

test('remove data node: one that takes itself for a member, and is none any more, is told to leave', async () => {
  const { told, remove } = cluster({ cluster: 'same', nodeId: 9 });
  await remove();
  expect(told).toEqual([{ address: 'd9:8088', request: { nodeId: 9, clusterId: 7n } }]);
});

test.each([
  ['nobody', undefined, false],
  ['a node of no cluster', { cluster: 'none', nodeId: 0 }, false],
  ['one of another cluster', { cluster: 'other', nodeId: 9 }, false],
  ['a member by another address', { cluster: 'same', nodeId: 4 }, false],
  ['one that is not to be told', { cluster: 'same', nodeId: 9 }, true],
] as const)('remove data node: %s is not found', async (_, status, isForced) => {
  const { told, remove } = cluster(status);
  await expect(remove(isForced)).rejects.toThrow('node not found: d9:8088');
  expect(told).toEqual([]);
});

test.each([
  ['was told to leave before', 'none', ['delete-data-node']],
  ['has joined another cluster', 'other', 'this node is of no cluster'],
] as const)('remove data node: one that %s', async (_, said, wanted) => {
  const done: string[] = [];
  const node = {
    clusterId: 7n,
    catalog: { dataNodes: [{ id: 4, httpAddress: 'd1:8086', tcpAddress: 'd1:8088' }] },
    readBarrier: () => Promise.resolve(),
    execute: ({ kind }: { readonly kind: string }) => Promise.resolve(done.push(kind)),
  };
  const rpc = {
    call: (_address: string, method: unknown) =>
      method === dataStatusMethod
        ? Promise.resolve({ cluster: said, nodeId: 0 })
        : Promise.reject(new DbError('wrong_cluster', 'this node is of no cluster')),
  };
  const removed = removeDataNode('d1:8088', false, { ports: { node, rpc } } as unknown as MetaApi);
  expect(await removed.then(() => done, errorText)).toEqual(wanted);
});

const node4 = { cluster: 'same', nodeId: 4, httpAddress: 'd1:8086' };
const fresh = { cluster: 'none', nodeId: 0, httpAddress: 'd2:8086' };

/** Node 4, which the catalog has at d1, and what is said at addresses. */
function moved(said: Readonly<Record<string, object>>) {
  const done: string[] = [];
  const node = {
    clusterId: 7n,
    status: { peers: [] },
    catalog: { dataNodes: [{ id: 4, httpAddress: 'd1:8086', tcpAddress: 'd1:8088' }], databases: { shards: () => [] } }, // prettier-ignore
    readBarrier: () => Promise.resolve(),
    execute: (command: { readonly kind: string; readonly tcpAddress: string }) => {
      done.push(`${command.kind} ${command.tcpAddress}`);
      return Promise.resolve(undefined);
    },
  };
  const rpc = {
    call: (address: string, method: unknown) => {
      if (method === joinDataMethod) done.push(`join ${address}`);
      const status = said[address];
      return status === undefined ? Promise.reject(new DbError('unavailable', 'nobody there')) : Promise.resolve(status); // prettier-ignore
    },
  };
  const api = { ports: { node, rpc } } as unknown as MetaApi;
  return { done, update: (to: string) => updateDataNode('d1:8088', to, api) };
}

const isMoved = ['update-data-node d2:8088', 'join d2:8088'];

test.each([
  ['is lost', { 'd2:8088': fresh }, 'd2:8088', isMoved],
  ['still runs', { 'd1:8088': node4, 'd2:8088': fresh }, 'd2:8088', isMoved],
  ['is another process by now', { 'd1:8088': { ...node4, cluster: 'none', nodeId: 0 }, 'd2:8088': fresh }, 'd2:8088', isMoved], // prettier-ignore
  ['was renamed, and is found by both names', { 'd1:8088': node4, 'd2:8088': node4 }, 'd2:8088', isMoved], // prettier-ignore
  [
    'has another disk',
    { 'd1:8088': fresh },
    'd1:8088',
    ['update-data-node d1:8088', 'join d1:8088'],
  ],
] as const)('update data node: one that %s gets its address', async (_, said, to, wanted) => {
  const { done, update } = moved(said);
  expect(await update(to)).toMatchObject({ id: 4, tcpAddr: to });
  expect(done).toEqual(wanted);
});
