/** Which shards a backup is of, and from which of their copies each is taken. Pure. */
import { DbError } from '../base/errors.ts';
import type { Catalog } from '../meta/model/catalog.ts';

/** What one node has of a shard. */
export interface ShardCopy {
  /** host:8088. */
  readonly node: string;
  readonly sizeBytes: number;
  readonly isHot: boolean;
  /** Unix time in nanoseconds. */
  readonly modifiedNs: bigint;
  /** Some node knows that it lacks something. */
  readonly isBehind: boolean;
}

/** Of an owner that has not said what it has. */
export const nothingSaid = { sizeBytes: 0, isHot: false, modifiedNs: 0n } as const;

/** Replicas written to within it have the same writes: clocks and round trips differ by less. */
const togetherNs = 5_000_000_000n;

/**
 * What the data nodes say that they have, and who lacks something, by id of the shard. Of one that is damaged, or not open yet, they
 * say nothing.
 */
export type Survey = ReadonlyMap<number, readonly ShardCopy[]>;

export interface BackupFilter {
  /** '' for all. */
  readonly database: string;
  readonly retentionPolicy: string;
  /** 0 for all. */
  readonly shardId: number;
  /** Unix time in nanoseconds: shards whose time is within, or in part. */
  readonly startNs?: bigint | undefined;
  readonly endNs?: bigint | undefined;
}

export interface PlannedShard {
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** A restore has not brought it yet. */
  readonly isAwaited: boolean;
  /** In the order in which they are tried. */
  readonly copies: readonly ShardCopy[];
}

export interface PlanOptions {
  readonly filter: BackupFilter;
  /** host:8088 that is tried first where it has a copy; '' for none. */
  readonly from: string;
}

/**
 * In the order of databases, policies and ids. Owners that have said nothing of a shard are the last that are tried: only when
 * they are asked for it is it known that they have nothing. Throws for a database, policy or node that is not there.
 */
export function planShards(
  catalog: Catalog,
  copies: Survey,
  { filter, from }: PlanOptions,
): readonly PlannedShard[] {
  checkPlan(catalog, { filter, from });
  const addresses = new Map(catalog.dataNodes.map(({ id, tcpAddress }) => [id, tcpAddress]));
  const addressOf = (nodeId: number): string => addresses.get(nodeId) ?? '';
  const planned: PlannedShard[] = [];
  for (const database of catalog.databases) {
    if (filter.database !== '' && filter.database !== database.name) continue;
    for (const policy of database.retentionPolicies) {
      if (filter.retentionPolicy !== '' && filter.retentionPolicy !== policy.name) continue;
      for (const { startNs, endNs, deletedAtNs, shards } of policy.shardGroups) {
        if (deletedAtNs !== undefined || isOutside(filter, { startNs, endNs })) continue;
        for (const { id, owners, restoreIndex } of shards) {
          if (filter.shardId !== 0 && filter.shardId !== id) continue;
          const tried = orderCopies(copies.get(id) ?? [], owners.map(addressOf), from);
          planned.push({
            id,
            database: database.name,
            retentionPolicy: policy.name,
            isAwaited: restoreIndex !== undefined,
            copies: tried,
          });
        }
      }
    }
  }
  return planned;
}

/** Whether every owner of it is known to lack something. */
export function isBehindEverywhere({ copies }: PlannedShard): boolean {
  return copies.length > 0 && copies.every(({ isBehind }) => isBehind);
}

/** What lacks nothing that anybody knows of comes first, and what was written last is the most whole. */
function orderCopies(
  copies: readonly ShardCopy[],
  owners: readonly string[],
  from: string,
): readonly ShardCopy[] {
  const said = copies.filter(({ sizeBytes, isHot }) => sizeBytes > 0 || isHot);
  const others = owners
    .filter((owner) => !said.some(({ node }) => node === owner))
    .map((node) => ({ node, ...nothingSaid, isBehind: copies.some((copy) => copy.node === node && copy.isBehind) })); // prettier-ignore
  const isFirst = ({ node }: ShardCopy): boolean => node === from;
  const later = (a: ShardCopy, b: ShardCopy): number =>
    a.modifiedNs === b.modifiedNs ? 0 : a.modifiedNs > b.modifiedNs ? -1 : 1;
  return [...said, ...others].sort(
    (a, b) =>
      Number(a.isBehind) - Number(b.isBehind) ||
      Number(isFirst(b)) - Number(isFirst(a)) ||
      later(a, b),
  );
}

/**
 * The copy on the node that was backed up last is tried first, unless another has been written to since: nodes that are
 * written to together never say the same moment, and which of them comes first would be chance, and all of it moved again.
 */
export function knownFirst(
  copies: readonly ShardCopy[],
  knownNode: string | undefined,
): readonly ShardCopy[] {
  const known = copies.find(({ node }) => node === knownNode);
  if (known === undefined || known.isBehind) return copies;
  const others = copies.filter((copy) => copy !== known);
  const isBehind = others.some(({ modifiedNs }) => modifiedNs > known.modifiedNs + togetherNs);
  return isBehind ? copies : [known, ...others];
}

function isOutside(
  { startNs, endNs }: BackupFilter,
  group: { readonly startNs: bigint; readonly endNs: bigint },
): boolean {
  return (
    (startNs !== undefined && group.endNs <= startNs) ||
    (endNs !== undefined && group.startNs > endNs)
  );
}

export function checkPlan(catalog: Catalog, { filter, from }: PlanOptions): void {
  const { database, retentionPolicy, shardId } = filter;
  if (from !== '' && !catalog.dataNodes.some(({ tcpAddress }) => tcpAddress === from))
    throw new DbError('node_not_found', `data node "${from}" does not exist`);
  const found = catalog.databases.get(database);
  if (database !== '' && found === undefined)
    throw new DbError('database_not_found', `database not found: ${database}`);
  if (
    retentionPolicy !== '' &&
    !found?.retentionPolicies.some(({ name }) => name === retentionPolicy)
  )
    // prettier-ignore
    throw new DbError(
      'retention_policy_not_found',
      `retention policy not found: ${retentionPolicy}`,
    );
  const place = catalog.databases.shard(shardId);
  // One of another database, or policy, would be a backup of nothing.
  const isAskedFor =
    (database === '' || place?.database === database) &&
    (retentionPolicy === '' || place?.retentionPolicy === retentionPolicy);
  if (shardId !== 0 && (place === undefined || !isAskedFor))
    throw new DbError('shard_not_found', `shard not found for id: ${shardId}`);
}
