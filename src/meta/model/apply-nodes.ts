import { DbError } from '../../base/errors.ts';
import type { Change } from './change.ts';
import type { Catalog } from './catalog.ts';
import type { Command } from './command.ts';
import { Databases } from './databases.ts';

type NodeCommand = Extract<
  Command,
  {
    kind:
      | 'found-cluster'
      | 'create-meta-node'
      | 'delete-meta-node'
      | 'create-data-node'
      | 'delete-data-node';
  }
>;

/** Nodes that come and go. Adding one that is there already answers its id (spec F9, F12). */
export function applyNodeCommand(catalog: Catalog, command: NodeCommand): Change {
  switch (command.kind) {
    case 'found-cluster': {
      // The first to found it wins; a second attempt would give the nodes of the first another cluster.
      const clusterId = catalog.clusterId === 0n ? command.clusterId : catalog.clusterId;
      return { catalog: { ...catalog, clusterId } };
    }
    case 'create-meta-node': {
      const { httpAddress, tcpAddress } = command;
      const known = catalog.metaNodes.find((node) => isSameAddress(node.httpAddress, httpAddress));
      if (known !== undefined) return { catalog, value: { nodeId: known.id } };
      // Two ids for one server would be two votes of one.
      const other = catalog.metaNodes.find((node) => isSameAddress(node.tcpAddress, tcpAddress));
      if (other !== undefined)
        throw new DbError('conflict', `${tcpAddress} is meta node ${other.id} already`);
      const id = catalog.maxNodeId + 1;
      const metaNodes = [...catalog.metaNodes, { id, httpAddress, tcpAddress }];
      const value = { nodeId: id, isNew: true };
      return { catalog: { ...catalog, metaNodes, maxNodeId: id }, value };
    }
    case 'delete-meta-node': {
      const metaNodes = catalog.metaNodes.filter((node) => node.id !== command.nodeId);
      if (metaNodes.length === catalog.metaNodes.length) throw nodeNotFound();
      if (metaNodes.length === 0)
        throw new DbError('conflict', 'a cluster keeps at least one meta node');
      return { catalog: { ...catalog, metaNodes } };
    }
    case 'create-data-node':
      return createDataNode(catalog, command);
    case 'delete-data-node':
      return { catalog: deleteDataNode(catalog, command.nodeId) };
  }
}

function createDataNode(
  catalog: Catalog,
  command: Extract<Command, { kind: 'create-data-node' }>,
): Change {
  const { httpAddress, tcpAddress, dataNodesMax } = command;
  const known = catalog.dataNodes.find((node) => isSameAddress(node.tcpAddress, tcpAddress));
  if (known !== undefined) return { catalog, value: { nodeId: known.id } };
  if (catalog.dataNodes.length >= dataNodesMax) {
    const text = `the license allows ${dataNodesMax} data nodes and the cluster has ${catalog.dataNodes.length}`;
    throw new DbError('license_limit', text);
  }
  const id = catalog.maxNodeId + 1;
  const dataNodes = [...catalog.dataNodes, { id, httpAddress, tcpAddress }];
  return { catalog: { ...catalog, dataNodes, maxNodeId: id }, value: { nodeId: id, isNew: true } };
}

/** The node owns nothing any more; its shards are not given to others (spec F12). */
function deleteDataNode(catalog: Catalog, nodeId: number): Catalog {
  const dataNodes = catalog.dataNodes.filter((node) => node.id !== nodeId);
  if (dataNodes.length === catalog.dataNodes.length) throw nodeNotFound();
  const databases = Array.from(catalog.databases, (database) => ({
    ...database,
    retentionPolicies: database.retentionPolicies.map((policy) => ({
      ...policy,
      shardGroups: policy.shardGroups.map((group) => ({
        ...group,
        shards: group.shards.map((shard) => ({
          ...shard,
          owners: shard.owners.filter((owner) => owner !== nodeId),
        })),
      })),
    })),
  }));
  return { ...catalog, dataNodes, databases: Databases.of(databases) };
}

/** Host names are the same in any case (spec 8, 15). */
export function isSameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function nodeNotFound(): DbError {
  return new DbError('node_not_found', 'node not found');
}
