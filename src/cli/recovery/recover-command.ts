/** `influxd-meta recover`: see meta/server/recovered-cluster.ts. Nothing is changed before all is read and checked. */
import { DbError } from '../../base/errors.ts';
import type { KvStore } from '../../env/kv.ts';
import type { Log } from '../../env/log.ts';
import { CatalogCache } from '../../meta/client/catalog-cache.ts';
import { readIdentity } from '../../meta/client/identity-file.ts';
import type { MetaNode } from '../../meta/model/catalog.ts';
import { RaftStorage } from '../../meta/server/raft-storage.ts';
import { recoveredCluster, type CatalogCopy, type RecoveredCluster } from '../../meta/server/recovered-cluster.ts'; // prettier-ignore
import type { OfflineFlags, OfflinePorts } from '../influxdb/offline-ports.ts';

export type RecoveringNode = Pick<MetaNode, 'httpAddress' | 'tcpAddress'>;

/** `open` opens the store of the node. Throws what is in the way, with its place. */
export async function recover(
  ports: OfflinePorts & { readonly open: () => Promise<KvStore> },
  self: RecoveringNode,
  flags: OfflineFlags,
): Promise<void> {
  const { open, out } = ports;
  const copies = await readCopies(ports, flags.text('catalogs'));
  const kv = await open();
  try {
    const storage = new RaftStorage(kv);
    const recovered = recoveredCluster(await storage.open(), copies, self);
    out(described(recovered, self));
    checkHeard(recovered, flags.has('force'));
    if (flags.has('dry-run')) {
      out('nothing was changed (-dry-run)\n');
      return;
    }
    const { identity, snapshot, hardState } = recovered;
    await storage.replace(identity, snapshot, hardState);
    out('recovered: start this node, and add the other meta nodes to it\n');
  } finally {
    await kv.close();
  }
}

/** Of each folder in it. */
async function readCopies({ disk, out }: OfflinePorts, folder: string): Promise<readonly CatalogCopy[]> {
  if (folder === '') return [];
  const copies: CatalogCopy[] = [];
  for (const { name, isDirectory } of await disk.list(folder)) {
    if (!isDirectory) continue;
    const place = `${folder}/${name}`;
    const identity = await readIdentity(disk, place);
    if (identity === undefined) throw new DbError('invalid_argument', `${place}: there is no identity of a data node in it`); // prettier-ignore
    const warn: Log['warn'] = (message, fields = {}) => out(`${message}: ${String(fields['path'] ?? place)}: ${String(fields['error'] ?? '')}\n`); // prettier-ignore
    const catalog = await new CatalogCache({ disk, log: { warn } as Log }, place).read();
    if (catalog.index === 0) throw new DbError('invalid_argument', `${place}: there is no catalog in it that can be read`); // prettier-ignore
    copies.push({ place, nodeId: identity.nodeId, catalog });
  }
  if (copies.length === 0) throw new DbError('invalid_argument', `${folder}: there are no folders of data nodes in it`); // prettier-ignore
  return copies;
} // prettier-ignore

function described({ catalog, from, fromIndex, givenUp, identity }: RecoveredCluster, self: RecoveringNode): string {
  const { databases, dataNodes, users = [] } = catalog;
  return [
    `catalog ${fromIndex} of cluster ${identity.clusterId}, from ${from}`,
    `databases: ${databases.length}, shards: ${databases.shardCount}, users: ${users.length}, data nodes: ${dataNodes.length}`,
    `meta node ${identity.nodeId} at ${self.httpAddress} is the only one from now on`,
    ...givenUp.map(({ id, httpAddress }) => `meta node ${id} at ${httpAddress} is given up`),
    '',
  ].join('\n');
} // prettier-ignore

function checkHeard({ unheard }: RecoveredCluster, isForced: boolean): void {
  if (unheard.length === 0 || isForced) return;
  const names = unheard.map(({ id, tcpAddress }) => `${id} at ${tcpAddress}`).join(', ');
  throw new DbError('invalid_argument', `the catalogs of data nodes ${names} are not in -catalogs: what they alone have heard of would be lost, points too (-force goes on without)`); // prettier-ignore
}
