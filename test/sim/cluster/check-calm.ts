/** What has to hold once all has healed, and then with some nodes down again. */
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { endOfGroup } from '../../../src/meta/model/shard-groups.ts';
import { findDatabase, findRetentionPolicy, type Catalog } from '../../../src/meta/model/catalog.ts'; // prettier-ignore
import type { Admin } from './admin.ts';
import { checkStored } from './check-points.ts';
import { answeredWindows, checkWindows, type Windows, windowsOf, windowsQuery } from './check-windows.ts'; // prettier-ignore
import { allRows, answerFault } from './client.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { registerFields } from './last-writes.ts';
import { measurementOf, type Rows } from './points.ts';
import { checkPassive } from './check-passive.ts';
import { checkReplicas } from './check-replicas.ts';
import { ask, storedRows } from './read-rows.ts';
import { sourceMeasurement } from './window-queries.ts';
import { epochNs, weekNs } from './workload.ts';

/** Gives how many shards have equal owners, once they were repaired. */
export async function checkCalm(
  cluster: ClusterWorld,
  admin: Admin,
  { repairs }: { readonly repairs: boolean },
): Promise<number> {
  const { world, history, lastWrites } = cluster;
  for (const name of cluster.names)
    if (!cluster.metas.has(name) && !cluster.data.has(name)) throw new Error(`${name} did not come back`); // prettier-ignore
  for (const catalog of memberCatalogs(cluster)) admin.check(catalog);
  await checkPassive(cluster);
  const stored = new Map<string, Rows>();
  const damaged = new Map<string, readonly number[]>();
  for (const [name, node] of cluster.data) {
    if (!node.meta.isJoined) history.queued.delete(name);
    const { rows, damagedIds } = await world.complete(storedRows(node.local));
    if (damagedIds.length > 0) {
      const { victim } = cluster;
      if (name !== victim.name || !victim.isDamaged)
        throw new Error(
          `${name} calls shards ${damagedIds.join()} damaged, and its disk lost nothing`,
        );
      damaged.set(name, damagedIds);
    }
    const isRegister = ([key]: readonly [string, string]) => registerFields.has(measurementOf(key));
    const isOther = ([key]: readonly [string, string]) => measurementOf(key) === sourceMeasurement;
    stored.set(name, new Map([...rows].filter((row) => !isRegister(row) && !isOther(row))));
    const isTold = damaged.has(name) || cluster.unclearNodes.has(name);
    if (!isTold) lastWrites.check(name, new Map([...rows].filter(isRegister)));
  }
  const lacking = new Set(damaged.keys());
  checkStored(history, stored, lacking);
  const windows = new Map<string, Windows>();
  for (const [name, rows] of stored) windows.set(name, windowsOf(ofDatabase(cluster, rows)));
  for (const node of joined(cluster)) {
    admin.check(node.meta.catalog);
    await mustAnswer(cluster, node);
    await checkNodeWindows(cluster, node, { windows, damaged });
  }
  const damagedIds = new Set([...damaged.values()].flat());
  const compared = repairs ? await checkReplicas(cluster, damagedIds) : 0;
  await checkWithNodesDown(cluster, lacking);
  return compared;
}

/** Of the meta nodes that are members: one that was added by half, as whoever added it was told, follows nobody. */
function memberCatalogs({ metas }: ClusterWorld): readonly Catalog[] {
  const [latest] = [...metas.values()].sort((a, b) => b.catalog.index - a.catalog.index);
  const members = new Set(latest?.status.peers);
  return [...metas].flatMap(([name, { catalog }]) =>
    members.has(`${name}:8089`) ? [catalog] : [],
  );
}

/** An acknowledged write is readable while one of its owners is up, also without metas. */
async function checkWithNodesDown(
  cluster: ClusterWorld,
  lacking: ReadonlySet<string>,
): Promise<void> {
  const { world } = cluster;
  for (const name of cluster.metas.keys()) cluster.crash(name, 100_000);
  const [down] = [...lacking, ...cluster.data.keys()];
  cluster.crash(down ?? '', 100_000);
  await world.run(world.nowMs + 1_000);
  for (const node of joined(cluster)) await mustAnswer(cluster, node);
}

async function mustAnswer(cluster: ClusterWorld, node: DataNode): Promise<void> {
  for (const question of allRows) {
    const error = await cluster.world.complete(answerFault(cluster, node, question));
    if (error !== undefined) throw new Error(`a query of a healed cluster failed: ${error}`);
  }
}

interface StoredWindows {
  readonly windows: ReadonlyMap<string, Windows>;
  /** Shards that nodes call damaged. */
  readonly damaged: ReadonlyMap<string, readonly number[]>;
}

async function checkNodeWindows(
  cluster: ClusterWorld,
  node: DataNode,
  { windows, damaged }: StoredWindows,
): Promise<void> {
  const toNs = epochNs + BigInt(cluster.knobs.weekCount) * weekNs;
  const answer = await cluster.world.complete(ask(node, windowsQuery(epochNs - weekNs, toNs), 'd'));
  if (typeof answer === 'string') throw new Error(`a query of windows failed: ${answer}`);
  const places = [...windows.values()].flatMap((one) => [...one.keys()]);
  checkWindows(answeredWindows(answer), places, (place) => {
    // Windows and shard groups begin on other days of the week: the group is that of the points in between.
    const { owners, shardIds } = shardsAt(
      node,
      BigInt(place.split(' ')[1] ?? '0') + (epochNs % weekNs),
    );
    // A shard that is damaged says so: it answers nothing, and its owner has no row of it.
    const isAble = (owner: string) => {
      const isDamaged = damaged.get(owner)?.some((id) => shardIds.has(id)) === true;
      return !isDamaged || windows.get(owner)?.has(place) === true;
    };
    const able = owners.filter(isAble);
    return able.map((owner) => windows.get(owner) ?? new Map<string, never>());
  });
}

function ofDatabase({ history }: ClusterWorld, rows: Rows): Rows {
  return new Map([...rows].filter(([key]) => history.partOf(key)?.database === 'd'));
}

/** Shards of database d at this time, and machines that own one. */
function shardsAt(
  { meta: { catalog } }: DataNode,
  timeNs: bigint,
): { readonly owners: readonly string[]; readonly shardIds: ReadonlySet<number> } {
  const database = findDatabase(catalog, 'd');
  const policy = database && findRetentionPolicy(database, '');
  const group = policy?.shardGroups.find((one) => one.startNs <= timeNs && timeNs < endOfGroup(one)); // prettier-ignore
  const ids = new Set(group?.shards.flatMap(({ owners }) => owners));
  const owners = catalog.dataNodes
    .filter(({ id }) => ids.has(id))
    .map(({ tcpAddress }) => tcpAddress.split(':')[0] ?? '');
  return { owners, shardIds: new Set(group?.shards.map(({ id }) => id)) };
}

function joined(cluster: ClusterWorld): readonly DataNode[] {
  return [...cluster.data.values()].filter(({ meta }) => meta.isJoined);
}
