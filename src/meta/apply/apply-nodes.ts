import { compareUtf8 } from '../../base/compare-utf8.ts';
import { DbError } from '../../base/errors.ts';
import type { Change } from './change.ts';
import type { Catalog, DataNode, MetaNode, NodeLabels } from '../model/catalog.ts';
import { withoutOwner } from './apply-shards.ts';
import type { Command } from '../command/command.ts';

const labelsMax = 1_024;

type NodeCommand = Extract<
  Command,
  {
    kind:
      | 'found-cluster'
      | 'create-meta-node'
      | 'delete-meta-node'
      | 'create-data-node'
      | 'delete-data-node'
      | 'update-data-node'
      | 'set-node-labels'
      | 'delete-node-labels';
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
    case 'update-data-node':
      return { catalog: updateDataNode(catalog, command), value: { nodeId: command.nodeId } };
    case 'set-node-labels': {
      const labels = [...labelsOf(catalog, command.nodeId), ...command.labels];
      return { catalog: withLabels(catalog, command.nodeId, labels) };
    }
    case 'delete-node-labels': {
      const all = labelsOf(catalog, command.nodeId);
      const labels = all.filter(({ name }) => !command.names.includes(name));
      return { catalog: withLabels(catalog, command.nodeId, labels) };
    }
  }
}

function createDataNode(
  catalog: Catalog,
  command: Extract<Command, { kind: 'create-data-node' }>,
): Change {
  const { httpAddress, tcpAddress, dataNodesMax, isPassive } = command;
  const known = catalog.dataNodes.find((node) => isSameAddress(node.tcpAddress, tcpAddress));
  if (known !== undefined) return { catalog, value: { nodeId: known.id } };
  if (catalog.dataNodes.length >= dataNodesMax) {
    const text = `the license allows ${dataNodesMax} data nodes and the cluster has ${catalog.dataNodes.length}`;
    throw new DbError('license_limit', text);
  }
  const id = catalog.maxNodeId + 1;
  const node = { id, httpAddress, tcpAddress, ...(isPassive === true && { isPassive }) };
  const dataNodes = [...catalog.dataNodes, node];
  return { catalog: { ...catalog, dataNodes, maxNodeId: id }, value: { nodeId: id, isNew: true } };
}

/** The node owns nothing any more; its shards are not given to others (spec F12). */
function deleteDataNode(catalog: Catalog, nodeId: number): Catalog {
  const dataNodes = catalog.dataNodes.filter((node) => node.id !== nodeId);
  if (dataNodes.length === catalog.dataNodes.length) throw nodeNotFound();
  return withoutOwner({ ...catalog, dataNodes }, nodeId);
}

/** The node keeps its id and its shards (spec F13). */
function updateDataNode(
  catalog: Catalog,
  { nodeId, httpAddress, tcpAddress }: Extract<Command, { kind: 'update-data-node' }>,
): Catalog {
  const node = catalog.dataNodes.find(({ id }) => id === nodeId);
  if (node === undefined) throw nodeNotFound();
  const other = catalog.dataNodes.find((one) => isSameAddress(one.tcpAddress, tcpAddress));
  if (other !== undefined && other.id !== nodeId) {
    const what = `cannot update data node ${node.tcpAddress} to ${tcpAddress}`;
    throw new DbError('conflict', `${what}; ${tcpAddress} is already part of cluster`);
  }
  return withNode(catalog, nodeId, (one) => ({ ...one, httpAddress, tcpAddress }));
}

/** Of labels with one name the last one counts. */
function withLabels(catalog: Catalog, nodeId: number, all: NodeLabels): Catalog {
  const byName = new Map(all.map((label) => [label.name, label]));
  const labels = [...byName.values()].sort((a, b) => compareUtf8(a.name, b.name));
  if (labels.length > labelsMax)
    throw new DbError('limit_exceeded', `a node has no more than ${labelsMax} labels`);
  return withNode(catalog, nodeId, (node) => ({ ...node, labels }));
}

function labelsOf({ dataNodes, metaNodes }: Catalog, nodeId: number): NodeLabels {
  const node = [...dataNodes, ...metaNodes].find(({ id }) => id === nodeId);
  if (node === undefined) throw nodeNotFound();
  return node.labels ?? [];
}

function withNode(
  catalog: Catalog,
  nodeId: number,
  change: <Node extends MetaNode | DataNode>(node: Node) => Node,
): Catalog {
  const changed = <Node extends MetaNode | DataNode>(nodes: readonly Node[]): readonly Node[] =>
    nodes.map((node) => (node.id === nodeId ? change(node) : node));
  return {
    ...catalog,
    dataNodes: changed(catalog.dataNodes),
    metaNodes: changed(catalog.metaNodes),
  };
}

/** Host names are the same in any case (spec 8, 15). */
export function isSameAddress(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function nodeNotFound(): DbError {
  return new DbError('node_not_found', 'node not found');
}
