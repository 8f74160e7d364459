import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { Catalog, RetentionPolicy, ShardGroup } from '../../meta/model/catalog.ts';
import type { Announcements } from '../../meta/server/announcements.ts';

const goZeroTime = '0001-01-01T00:00:00Z';

interface NodeFacts {
  readonly id: number;
  readonly httpAddress: string;
  readonly tcpAddress: string;
}

/** `/show-cluster` (spec 3.5): lists are null before there is a cluster. */
export function clusterDocument(catalog: Catalog, announcements: Announcements): unknown {
  if (catalog.clusterId === 0n) return { data: null, meta: null };
  const documentOf = ({ id, httpAddress, tcpAddress }: NodeFacts) => ({
    id,
    addr: httpAddress,
    httpScheme: 'http',
    tcpAddr: tcpAddress,
    version: announcements.versionOf(tcpAddress),
    labels: {},
  });
  return { data: catalog.dataNodes.map(documentOf), meta: catalog.metaNodes.map(documentOf) };
}

/** `/show-shards` (spec 3.5): deleted groups are left out, expired ones too unless `withExpired`. */
export function shardsDocument(
  catalog: Catalog,
  { nowNs, withExpired }: { readonly nowNs: bigint; readonly withExpired: boolean },
): unknown {
  return catalog.databases.flatMap((database) =>
    database.retentionPolicies.flatMap((policy) =>
      policy.shardGroups
        .filter((group) => group.deletedAtNs === undefined)
        .filter((group) => withExpired || !isExpired(policy, group, nowNs))
        .flatMap((group) => shardsOf(catalog, { database: database.name, policy, group })),
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
  },
): readonly unknown[] {
  const { database, policy, group } = place;
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
      state: '',
      'last-modified': goZeroTime,
      size: 0,
      err: '',
    })),
  }));
}
