import { DbError, isDbError } from '../../base/errors.ts';
import { dataStatusMethod } from '../../meta/client/data-methods.ts';
import { findDataNode } from './change-nodes.ts';
import { joinNode } from './join-node.ts';
import type { MetaApi, MetaProbe } from './meta-api-options.ts';
import { refuseOwnHost } from './node-address.ts';

const askDeadlineMs = 5_000;
/** An unjoined node that founds a cluster leads it within an election's time. */
const leadWithinMs = 10_000;
const leadPollMs = 10;
const joinedText = 'already joined to cluster';

/**
 * Adds a meta node by its HTTP address. A node without a cluster founds one with itself first, whichever node it is
 * asked to add (spec F10, F11).
 */
export async function addMetaNode(address: string, { ports, options }: MetaApi): Promise<unknown> {
  const { node } = ports;
  refuseOwnHost(address);
  const isSelf = address === options.httpAddress;
  // A node that is of another cluster, or no meta node, is refused before anything is founded.
  const target = isSelf ? undefined : await probeTarget(address, ports);
  if (!node.isJoined) await node.found();
  // Also when another request has just founded it.
  await leads(ports);
  const known = node.catalog.metaNodes.find(({ httpAddress }) => httpAddress === address);
  if (known !== undefined && node.status.peers.includes(known.tcpAddress)) {
    if (!isSelf) await refuseForgotten(known, ports);
    return metaDocument(known.id, address, known.tcpAddress);
  }
  const tcpAddress = target?.raftAddr ?? options.tcpAddress;
  return metaDocument(await node.addMeta(address, tcpAddress), address, tcpAddress);
}

/**
 * A member whose folder was wiped has forgotten what it voted for and acknowledged: it takes no part until it is a new one, by another id.
 * One that does not answer may be down, and is none the less a member.
 */
async function refuseForgotten(
  { httpAddress, tcpAddress }: { readonly httpAddress: string; readonly tcpAddress: string },
  { probe }: MetaApi['ports'],
): Promise<void> {
  const found = await probe(httpAddress).catch(() => undefined);
  if (found?.nodeType !== 'meta' || found.peers !== null) return;
  const how = `influxd-ctl remove-meta -force -tcpAddr ${tcpAddress} ${httpAddress}`;
  throw new DbError('conflict', `meta node at "${httpAddress}" is a member that has lost what it stored: remove it first (${how}), then add it`); // prettier-ignore
}

/** Throws for what is no meta node, or is one of another cluster. A member is not asked: it may be down. */
async function probeTarget(
  address: string,
  { node, probe }: MetaApi['ports'],
): Promise<MetaProbe | undefined> {
  const known = node.catalog.metaNodes.find(({ httpAddress }) => httpAddress === address);
  if (known !== undefined && node.status.peers.includes(known.tcpAddress)) return undefined;
  const target = await probe(address);
  if (target.nodeType !== 'meta')
    throw new DbError('invalid_argument', `${address} is not a meta node`);
  if (target.peers === null || known !== undefined) return target;
  const listed = node.catalog.metaNodes.find(({ tcpAddress }) => tcpAddress === target.raftAddr);
  if (listed !== undefined && target.leader !== '' && target.leader === node.status.leader)
    throw new DbError('conflict', `meta node at "${address}" is a member already: ${listed.httpAddress}`); // prettier-ignore
  const of = `leader=${target.leader} peers=[${target.peers.join(' ')}]`;
  const text = `meta node at "${address}" is a member of another cluster: ${of}`;
  throw new DbError('conflict', text);
}

/** Adds a data node by its TCP address: it gets an id, and then learns of its cluster (spec F12). */
export async function addDataNode(
  address: string,
  { ports, options }: MetaApi,
  { isPassive }: { readonly isPassive: boolean } = { isPassive: false },
): Promise<unknown> {
  const { node, rpc } = ports;
  refuseOwnHost(address);
  const known = findDataNode(node.catalog.dataNodes, address);
  if (isPassive && known !== undefined && known.isPassive !== true)
    throw new DbError('invalid_argument', `${address} is a member already, and not a passive one`);
  const asking = { deadlineMs: askDeadlineMs };
  const { clusterId } = node;
  const status = await rpc.call(address, dataStatusMethod, { clusterId }, asking);
  if (status.cluster === 'other') throw new DbError('invalid_argument', joinedText);
  if (status.cluster === 'same') await refuseAnother(address, status.nodeId, node);
  const { httpAddress } = status;
  const { dataNodesMax } = options;
  const command = {
    kind: 'create-data-node',
    httpAddress,
    tcpAddress: address,
    dataNodesMax,
    isPassive,
  } as const;
  const made = await node.execute(command);
  const isNew = made?.isNew === true;
  const id = made?.nodeId ?? 0;
  const metaAddresses = node.status.peers;
  const joining = { nodeId: id, clusterId, metaAddresses, wasMember: !isNew && wasMember(id, ports) }; // prettier-ignore
  await joinNode(address, joining, ports).catch(async (error: unknown) => {
    // It has joined another cluster meanwhile, or may not join this one with what it has: it must not stay listed.
    if (isNew && (isJoined(error) || isDbError(error, 'invalid_argument')))
      await node.execute({ kind: 'delete-data-node', nodeId: id });
    return rethrowJoined(error);
  });
  return {
    id,
    tcpAddr: address,
    httpAddr: httpAddress,
    httpScheme: '',
    status: '',
    version: '',
  };
}

/** A member by another address would be listed twice until it refused, and could be given shards meanwhile. */
async function refuseAnother(
  address: string,
  nodeId: number,
  node: MetaApi['ports']['node'],
): Promise<void> {
  await node.readBarrier();
  const { dataNodes } = node.catalog;
  if (findDataNode(dataNodes, address)?.id === nodeId) return;
  const isMember = dataNodes.some(({ id }) => id === nodeId);
  const how = isMember ? '' : ', as a node that is not of it any more: remove-data erases what it has, and it can be added then'; // prettier-ignore
  throw new DbError('invalid_argument', `${joinedText}${how}`);
}

/** One that is listed may never have heard that it is: then it has said nothing. */
function wasMember(id: number, { node, announcements }: MetaApi['ports']): boolean {
  const known = node.catalog.dataNodes.find((one) => one.id === id);
  return known !== undefined && announcements.hasHeardOf(known.tcpAddress);
}

function isJoined(error: unknown): boolean {
  return isDbError(error, 'wrong_cluster') || isDbError(error, 'conflict');
}

function rethrowJoined(error: unknown): never {
  if (isJoined(error)) throw new DbError('invalid_argument', joinedText);
  throw error;
}

function metaDocument(id: number, addr: string, tcpAddr: string): unknown {
  return { id, addr, httpScheme: '', tcpAddr, version: '' };
}

/** A cluster of one elects itself; throws `no_leader` when this node has become part of another one instead. */
async function leads({ node, clock }: MetaApi['ports']): Promise<void> {
  const giveUpMs = clock.monotonicMs() + leadWithinMs;
  while (!node.isLeader) {
    if (clock.monotonicMs() > giveUpMs) throw new DbError('no_leader', 'no leader');
    await clock.sleep(leadPollMs);
  }
}
