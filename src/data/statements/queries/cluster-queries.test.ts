import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import type { Permission } from '../../../base/permission.ts';
import type { Env } from '../../../env/env.ts';
import { emptyCatalog, type User } from '../../../meta/model/catalog.ts';
import { withPermissions } from '../../../meta/model/permissions.ts';
import { RpcClient } from '../../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../../rpc/rpc-service.ts';
import { everyone, principalOf, type Principal } from '../principal.ts';
import { ClusterQueries } from './cluster-queries.ts';
import { QueryRegistry } from './query-registry.ts';

const dataNodes = [4, 5, 6].map((id) => ({ id, httpAddress: '', tcpAddress: `n${id}:8088` }));
const catalog = { ...emptyCatalog, dataNodes };
const gate = { check: () => ({ isTrusted: true }) };
const { signal } = new AbortController();

/** A node that runs one query of each of these databases. */
async function startNode(
  env: Env,
  nodeId: number,
  databases: readonly string[],
): Promise<ClusterQueries> {
  // prettier-ignore
  const { clock, log, transport } = env;
  const registry = new QueryRegistry({ clock, log });
  for (const database of databases)
    registry.start({ text: () => `of ${nodeId}`, database, user: '', timeoutMs: 0, signal });
  const rpc = new RpcClient(transport, { credentials: () => ({}) });
  const queries = new ClusterQueries(registry, { catalog, nodeId }, rpc);
  await transport.listen(`n${nodeId}:8088`, createRpcHandlers(gate, queries.methods));
  return queries;
}

async function cluster(databases: readonly string[] = ['d']) {
  const world = new World(1);
  const started: ClusterQueries[] = [];
  for (const { id } of dataNodes)
    started.push(await world.complete(startNode(world.addNode(`n${id}`).env, id, databases)));
  const [first] = started;
  if (first === undefined) throw new Error('no node');
  const show = async (principal: Principal = everyone) => {
    const { series, messages } = await world.complete(first.show(principal, signal));
    const rows = series.kind === 'rows' ? series.rows : [];
    return { rows: rows.map(([, , , text, database]) => `${String(text)} ${String(database)}`), messages }; // prettier-ignore
  };
  return { world, show };
}

test('cluster queries: with a node that stands still the others are told within a second, and that it is left out', async () => {
  const { world, show } = await cluster();
  expect(await show()).toEqual({ rows: ['of 4 d', 'of 5 d', 'of 6 d'], messages: [] });
  world.network.clog('n6', 'n4', 60_000);
  const askedMs = world.nowMs;
  expect(await show()).toEqual({
    rows: ['of 4 d', 'of 5 d'],
    messages: [
      { level: 'warning', text: 'data node n6:8088 does not answer, its queries are left out' },
    ],
  });
  expect(world.nowMs - askedMs).toBeLessThan(1_000);
});

test('cluster queries: a user sees those of databases that they may read, and all who may end any', async () => {
  const { show } = await cluster(['d', 'secret', '']);
  const nobody: User = { name: 'u', hash: '', isAdmin: false, privileges: [] };
  const withThis = (permission: Permission, scope: string): Principal =>
    principalOf(withPermissions(nobody, [{ scope, permissions: [permission] }]));
  const seen = async (principal: Principal) => new Set((await show(principal)).rows.map((row) => row.replace(/^of \d /, ''))); // prettier-ignore
  expect(await seen(withThis('ReadData', 'd'))).toEqual(new Set(['d', '']));
  expect(await seen(withThis('WriteData', 'd'))).toEqual(new Set(['']));
  expect(await seen(withThis('ManageQuery', 'secret'))).toEqual(new Set(['secret', '']));
  const all = new Set(['d', 'secret', '']);
  expect(await seen(withThis('ManageQuery', ''))).toEqual(all);
  expect(await seen(principalOf({ ...nobody, isAdmin: true }))).toEqual(all);
});
