import { parseWellFormed } from '../../base/well-formed-json.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { dataStatusMethod } from '../../meta/client/data-methods.ts';
import { isSameAddress } from '../../meta/apply/apply-nodes.ts';
import { askToLeave } from '../../meta/server/ask-to-leave.ts';
import type { DataNode, NodeLabel } from '../../meta/model/catalog.ts';
import { joinNode } from './join-node.ts';
import type { MetaApi } from './meta-api-options.ts';
import { refuseOwnHost } from './node-address.ts';

const askDeadlineMs = 5_000;
/** Mostly there is nobody at an address that no node has. */
const strangerDeadlineMs = 2_000;

/** Takes out a meta node by its HTTP address; `force` also one that only Raft knows, by its Raft address (spec F11). */
export async function removeMetaNode(
  httpAddress: string,
  { isForced, tcpAddress }: { readonly isForced: boolean; readonly tcpAddress: string },
  { ports: { node } }: MetaApi,
): Promise<void> {
  await node.readBarrier();
  const known = node.catalog.metaNodes.find((one) => isSameAddress(one.httpAddress, httpAddress));
  if (known !== undefined) await node.removeMeta(known.id);
  else if (isForced && tcpAddress !== '') await node.removeMetaAt(tcpAddress);
  else throw nodeNotFound(httpAddress);
}

/** Takes out a data node by its TCP address: it erases what it has first, unless `isForced` (spec F12). */
export async function removeDataNode(
  address: string,
  isForced: boolean,
  { ports: { node, rpc } }: MetaApi,
): Promise<void> {
  // Not by a leader that leads no more: what a node has erased does not come back.
  await node.readBarrier();
  const known = findDataNode(node.catalog.dataNodes, address);
  if (known === undefined) {
    if (!isForced && (await removeForgotten(address, { node, rpc }))) return;
    throw nodeNotFound(address);
  }
  if (!isForced) {
    const { tcpAddress, id: nodeId } = known;
    const request = { nodeId, clusterId: node.clusterId };
    await askToLeave(rpc, tcpAddress, request);
  }
  try {
    await node.execute({ kind: 'delete-data-node', nodeId: known.id });
  } catch (error) {
    // Another request was faster.
    if (!isDbError(error, 'node_not_found')) throw error;
  }
}

/** False where no node is that takes itself for a member and is none any more, as one that was lost when it was taken out. */
async function removeForgotten(
  address: string,
  { node, rpc }: Pick<MetaApi['ports'], 'node' | 'rpc'>,
): Promise<boolean> {
  const status = await statusAt(address, { node, rpc });
  if (status?.cluster !== 'same' || node.catalog.dataNodes.some(({ id }) => id === status.nodeId))
    return false;
  const request = { nodeId: status.nodeId, clusterId: node.clusterId };
  await askToLeave(rpc, address, request);
  return true;
}

/**
 * Gives a data node another address: the host was renamed, or its disk replaced, and it gets its id and its shards
 * (spec F13). The same address is no error, nor is a process that still runs at the old one, as the manual has the same steps for both: it stops once it hears of
 * this (server/node/replaced-watch.ts).
 */
export async function updateDataNode(
  oldAddress: string,
  newAddress: string,
  { ports }: MetaApi,
): Promise<unknown> {
  const { node, rpc } = ports;
  refuseOwnHost(newAddress);
  await node.readBarrier();
  const { dataNodes } = node.catalog;
  const known = findDataNode(dataNodes, oldAddress);
  if (known === undefined) {
    const text = `no data node with bind address ${oldAddress} exists`;
    throw new DbError('invalid_argument', text);
  }
  const other = findDataNode(dataNodes, newAddress);
  if (other !== undefined && other.id !== known.id) {
    const what = `cannot update data node ${oldAddress} to ${newAddress}`;
    throw new DbError('invalid_argument', `${what}; ${newAddress} is already part of cluster`);
  }
  const asking = { deadlineMs: askDeadlineMs };
  const { clusterId } = node;
  const { id: nodeId } = known;
  const status = await rpc.call(newAddress, dataStatusMethod, { clusterId }, asking);
  const isSame = status.cluster === 'same' && status.nodeId === nodeId;
  if (status.cluster !== 'none' && !isSame) throw joinedElsewhere();
  const { httpAddress } = status;
  await node.execute({ kind: 'update-data-node', nodeId, httpAddress, tcpAddress: newAddress });
  const metaAddresses = node.status.peers;
  const joining = { nodeId, clusterId, metaAddresses, wasMember: true };
  await joinNode(newAddress, joining, ports).catch(rethrowJoined);
  return { id: nodeId, tcpAddr: newAddress, httpAddr: httpAddress, httpScheme: '', status: '', version: '' }; // prettier-ignore
}

/** Undefined where nobody answers. */
async function statusAt(
  address: string,
  { node: { clusterId }, rpc }: Pick<MetaApi['ports'], 'node' | 'rpc'>,
) {
  const options = { deadlineMs: strangerDeadlineMs };
  return rpc.call(address, dataStatusMethod, { clusterId }, options).catch((error: unknown) => {
    if (isDbError(error)) return undefined;
    throw error;
  });
}

/** `labels` of a request: a map of texts to set, a list of names to delete (spec F20). */
export async function changeLabels(
  nodeId: number,
  { action, labels }: { readonly action: string; readonly labels: string },
  { ports: { node } }: MetaApi,
): Promise<void> {
  const given = parsedLabels(labels);
  if (action === 'delete') {
    if (!Array.isArray(given) || !given.every((name) => typeof name === 'string'))
      throw new DbError('invalid_argument', 'labels must be a JSON list of names');
    await node.execute({ kind: 'delete-node-labels', nodeId, names: given });
    return;
  }
  if (action !== 'set') throw new DbError('invalid_argument', `invalid action: ${action}`);
  const pairs: (readonly [string, unknown])[] =
    typeof given === 'object' && given !== null && !Array.isArray(given)
      ? Object.entries(given)
      : [['', undefined]];
  const set = pairs.map(([name, value]): NodeLabel => {
    if (typeof value === 'string') return { name, value };
    throw new DbError('invalid_argument', 'labels must be a JSON object of texts');
  });
  await node.execute({ kind: 'set-node-labels', nodeId, labels: set });
}

export function findDataNode(nodes: readonly DataNode[], address: string): DataNode | undefined {
  return nodes.find(({ tcpAddress }) => isSameAddress(tcpAddress, address));
}

function parsedLabels(text: string): unknown {
  try {
    return parseWellFormed(text);
  } catch (error) {
    throw new DbError('invalid_argument', 'labels is not valid JSON', { cause: error });
  }
}

function nodeNotFound(address: string): DbError {
  return new DbError('invalid_argument', `node not found: ${address}`);
}

function joinedElsewhere(): DbError {
  return new DbError('internal', 'already joined to cluster');
}

function rethrowJoined(error: unknown): never {
  if (isDbError(error, 'wrong_cluster') || isDbError(error, 'conflict')) throw joinedElsewhere();
  throw error;
}
