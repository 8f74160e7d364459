/**
 * A cluster without the majority of its meta nodes, made anew around one of them: no vote can be had any more, and nothing be changed. What there was
 * is in what this node kept, if it did, and in the catalogs of data nodes, each of which is what the metas had committed (decision 157).
 *
 * Invariants:
 * - Nothing that was committed, as any of the sources shows it, is left out: the latest of them counts. What this node had of the log beyond
 *   its last commit is taken only where no data node has heard of more, as others may have decided otherwise.
 * - What the cluster has from now on is later than what anybody heard before: indexes and tokens of leases go on far behind the last one.
 */
import { DbError } from '../../base/errors.ts';
import type { Snapshot } from '../../raft/types.ts';
import { applyCommand } from '../apply/apply.ts';
import { encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, versionNeeded, type Catalog, type DataNode, type MetaNode } from '../model/catalog.ts'; // prettier-ignore
import { CatalogMachine } from './catalog-machine.ts';
import type { Identity } from './raft-records.ts';
import type { Restored } from './raft-storage.ts';

/** What a data node has kept of the catalog. */
export interface CatalogCopy {
  /** Where it was read, for people. */
  readonly place: string;
  readonly nodeId: number;
  readonly catalog: Catalog;
}

export interface RecoveredCluster {
  readonly identity: Identity;
  readonly snapshot: Snapshot;
  readonly hardState: { readonly term: number; readonly vote: number; readonly commit: number };
  readonly catalog: Catalog;
  /** The place of what counted, and its index. */
  readonly from: string;
  readonly fromIndex: number;
  /** Meta nodes that are no members any more. */
  readonly givenUp: readonly MetaNode[];
  /** Data nodes whose catalogs were not among the sources: what they alone have heard of is lost. */
  readonly unheard: readonly DataNode[];
}

/** More than may have been committed since anybody that is heard was told of something. */
const indexGap = 1_000;

/** Throws `invalid_argument` where there is nothing to recover from, and `conflict` for sources of several clusters. */
export function recoveredCluster(
  kept: Restored,
  copies: readonly CatalogCopy[],
  self: Pick<MetaNode, 'httpAddress' | 'tcpAddress'>,
): RecoveredCluster {
  const own = ownCatalogs(kept);
  const latest = latestOf([{ place: 'what this node kept', catalog: own.committed }, ...copies]);
  checkClusters([kept.identity?.clusterId ?? 0n, own.all.clusterId, ...copies.map(({ catalog }) => catalog.clusterId)]); // prettier-ignore
  // Nobody has heard of anything else that was decided behind this node's last commit.
  const base = latest.catalog === own.committed ? own.all : latest.catalog;
  if (base.index === 0)
    throw new DbError('invalid_argument', 'there is no catalog to recover from');
  const index = Math.max(base.index, own.lastIndex) + indexGap;
  const { catalog, nodeId } = aroundSelf(base, index, self);
  const { clusterId } = catalog;
  const term = Math.max(kept.hardState?.term ?? 0, kept.snapshot?.term ?? 0, 0) + 1;
  const membership = { voters: [{ id: nodeId, address: self.tcpAddress }], learners: [] };
  const data = encodeCatalog(catalog, 'protobuf', versionNeeded(catalog));
  return {
    identity: { nodeId, clusterId },
    snapshot: { index, term, membership, data },
    hardState: { term, vote: 0, commit: index },
    catalog,
    from: latest.place,
    fromIndex: base.index,
    givenUp: base.metaNodes.filter(({ id }) => id !== nodeId),
    unheard: catalog.dataNodes.filter(({ id }) => copies.every((copy) => copy.nodeId !== id)),
  };
}

/** What this node knew to be committed, and all that it had. */
function ownCatalogs({ snapshot, hardState, entries }: Restored): {
  readonly committed: Catalog;
  readonly all: Catalog;
  readonly lastIndex: number;
} {
  const machine = new CatalogMachine();
  if (snapshot !== undefined) machine.restore(snapshot);
  const commit = hardState?.commit ?? 0;
  let committed = machine.catalog;
  for (const entry of entries) {
    machine.apply(entry);
    if (entry.index <= commit) committed = machine.catalog;
  }
  return { committed, all: machine.catalog, lastIndex: entries.at(-1)?.index ?? snapshot?.index ?? 0 }; // prettier-ignore
}

interface Source {
  readonly place: string;
  readonly catalog: Catalog;
}

function latestOf(sources: readonly Source[]): Source {
  return sources.reduce((best, one) => (one.catalog.index > best.catalog.index ? one : best), { place: '', catalog: emptyCatalog }); // prettier-ignore
}

function checkClusters(clusterIds: readonly bigint[]): void {
  const known = new Set(clusterIds.filter((id) => id !== 0n));
  if (known.size > 1)
    throw new DbError('conflict', `the catalogs are of different clusters: ${[...known].join(', ')}`); // prettier-ignore
}

/** With this node as the only meta node, and tokens that no holder of a lease has shown yet. */
function aroundSelf(
  base: Catalog,
  index: number,
  self: Pick<MetaNode, 'httpAddress' | 'tcpAddress'>,
): { readonly catalog: Catalog; readonly nodeId: number } {
  let catalog: Catalog = { ...base, leases: base.leases.map((lease) => ({ ...lease, token: lease.token + indexGap })) }; // prettier-ignore
  const apply = (command: Command): void => {
    const { catalog: changed, answer } = applyCommand(catalog, index, { id: `recover ${index} ${JSON.stringify(command)}`, command }); // prettier-ignore
    if (!answer.ok) throw new DbError(answer.code as 'conflict', answer.text);
    catalog = changed;
  };
  const isSelf = (node: MetaNode): boolean => node.httpAddress === self.httpAddress && node.tcpAddress === self.tcpAddress; // prettier-ignore
  const before = base.metaNodes.find(isSelf);
  // One whose addresses have changed in part would be in the way of the other.
  const others = base.metaNodes.filter((node) => node !== before);
  if (before === undefined) {
    const kept = others.filter((node) => node.httpAddress !== self.httpAddress && node.tcpAddress !== self.tcpAddress); // prettier-ignore
    catalog = { ...catalog, metaNodes: kept };
    apply({ kind: 'create-meta-node', ...self });
    for (const { id } of kept) apply({ kind: 'delete-meta-node', nodeId: id });
  } else for (const { id } of others) apply({ kind: 'delete-meta-node', nodeId: id });
  const nodeId = catalog.metaNodes[0]?.id ?? 0;
  return { catalog: { ...catalog, index }, nodeId };
}
