import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { Catalog, NodeLabels, RetentionPolicy, ShardGroup } from '../../meta/model/catalog.ts';
import type { StatesByNode } from '../../meta/server/shard-states.ts';
import type { ShardState } from '../../meta/client/data-methods.ts';
import type { Announcements } from '../../meta/server/announcements.ts';

const goZeroTime = '0001-01-01T00:00:00Z';

interface NodeFacts {
  readonly id: number;
  readonly httpAddress: string;
  readonly tcpAddress: string;
  readonly labels?: NodeLabels | undefined;
}

/** `/show-cluster` (spec 3.5): lists are null before there is a cluster. */
export function clusterDocument(catalog: Catalog, announcements: Announcements): unknown {
  if (catalog.clusterId === 0n) return { data: null, meta: null };
  const documentOf = ({ id, httpAddress, tcpAddress, labels = [] }: NodeFacts) => ({
    id,
    addr: httpAddress,
    httpScheme: announcements.schemeOf(tcpAddress),
    tcpAddr: tcpAddress,
    version: announcements.versionOf(tcpAddress),
    labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
  });
  const data = catalog.dataNodes.map((node) => ({
    ...documentOf(node),
    // As earlier releases of the reference call it, and Chronograf reads it.
    httpAddr: node.httpAddress,
    status: 'joined',
    ...(node.isPassive === true && { passive: true }),
  }));
  return { data, meta: catalog.metaNodes.map(documentOf) };
}

export interface ShownShards {
  readonly nowNs: bigint;
  readonly withExpired: boolean;
  /** What the owners say, where they were asked. */
  readonly states?: StatesByNode | undefined;
}

/** `/show-shards` (spec 3.5): deleted groups are left out, expired ones too unless `withExpired`. */
export function shardsDocument(
  catalog: Catalog,
  { nowNs, withExpired, states }: ShownShards,
): unknown {
  return catalog.databases.flatMap((database) =>
    database.retentionPolicies.flatMap((policy) =>
      policy.shardGroups
        .filter((group) => group.deletedAtNs === undefined)
        .filter((group) => withExpired || !isExpired(policy, group, nowNs))
        .flatMap((group) => shardsOf(catalog, { database: database.name, policy, group, states })),
    ),
  );
}

function isExpired({ durationNs }: RetentionPolicy, group: ShardGroup, nowNs: bigint): boolean {
  return durationNs > 0n && group.endNs + durationNs < nowNs;
}

function shardsOf(
  { dataNodes }: Catalog,
  place: {
    readonly database: string;
    readonly policy: RetentionPolicy;
    readonly group: ShardGroup;
    readonly states: StatesByNode | undefined;
  },
): readonly unknown[] {
  const { database, policy, group, states } = place;
  const { durationNs } = policy;
  return group.shards.map(({ id, owners }) => ({
    id,
    database,
    'retention-policy': policy.name,
    'replica-n': policy.replicaCount,
    'shard-group-id': group.id,
    'start-time': formatRfc3339(group.startNs),
    'end-time': formatRfc3339(group.endNs),
    'expire-time': durationNs === 0n ? goZeroTime : formatRfc3339(group.endNs + durationNs),
    'truncated-at':
      group.truncatedAtNs === undefined ? goZeroTime : formatRfc3339(group.truncatedAtNs),
    owners: owners.map((owner) => ({
      id: owner,
      tcpAddr: dataNodes.find((node) => node.id === owner)?.tcpAddress ?? '',
      ...stateDocument(states?.get(owner), id, states !== undefined),
    })),
  }));
}

/** An owner that was asked and does not know the shard, or does not answer, has an error. */
function stateDocument(
  states: ReadonlyMap<number, ShardState> | string | undefined,
  shardId: number,
  isAsked: boolean,
): Readonly<Record<string, unknown>> {
  const state = typeof states === 'object' ? states.get(shardId) : undefined;
  const err = !isAsked || state !== undefined ? '' : (typeof states === 'string' ? states : 'not found'); // prettier-ignore
  if (state === undefined) return { state: '', 'last-modified': goZeroTime, size: 0, err };
  const { isHot, modifiedNs, sizeBytes } = state;
  return {
    state: isHot ? 'hot' : 'cold',
    'last-modified': formatRfc3339(modifiedNs),
    size: sizeBytes,
    err,
  };
}

/**
 * Shards that are in the catalog and not on the disk of an owner that answers, and the other way (`show-shards -m`); nodes that
 * do not answer are told with the reason.
 */
export function mismatchesDocument(catalog: Catalog, states: StatesByNode): unknown {
  const mismatches: unknown[] = [];
  for (const { database, retentionPolicy, shard } of catalog.databases.shards())
    for (const owner of shard.owners) {
      const held = states.get(owner);
      if (typeof held !== 'object' || held.has(shard.id)) continue;
      const node = nodeDocument(catalog, owner);
      mismatches.push({ id: shard.id, database, 'retention-policy': retentionPolicy, node, where: 'meta' }); // prettier-ignore
    }
  for (const [nodeId, held] of states) {
    if (typeof held !== 'object') {
      mismatches.push({ node: nodeDocument(catalog, nodeId), where: 'unknown', err: held });
      continue;
    }
    for (const { shardId, database, retentionPolicy } of held.values()) {
      if (catalog.databases.shard(shardId)?.shard.owners.includes(nodeId) === true) continue;
      const node = nodeDocument(catalog, nodeId);
      mismatches.push({ id: shardId, database, 'retention-policy': retentionPolicy, node, where: 'disk' }); // prettier-ignore
    }
  }
  return mismatches;
}

function nodeDocument({ dataNodes }: Catalog, nodeId: number): unknown {
  const tcpAddr = dataNodes.find(({ id }) => id === nodeId)?.tcpAddress ?? '';
  return { id: nodeId, tcpAddr };
}
