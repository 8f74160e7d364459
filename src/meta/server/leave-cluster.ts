/**
 * How a meta node gets out of its cluster: whoever leads takes it out.
 *
 * The answer may be lost, as where the one that led dies behind the change: a node that is out hears of no leader any more, whose log it is not
 * sent. So without a leader it asks all others in turn, of whom the one that leads knows.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { removeMetaMethod } from '../client/meta-methods.ts';
import { membershipLimitMs } from './membership-changes.ts';

export interface LeavingPorts {
  readonly clock: Clock;
  readonly rpc: Pick<RpcClient, 'call'>;
  /** As the node knows them; '' for no leader. */
  readonly cluster: () => { readonly leader: string; readonly peers: readonly string[] };
  /** Lets another lead. */
  readonly stepAside: () => Promise<void>;
}

export interface LeavingNode {
  readonly nodeId: number;
  readonly tcpAddress: string;
  /** How often it is looked who leads. */
  readonly stepMs: number;
}

/** How long a node that leaves looks for a leader that takes it out, and while there is none: who asked waits for ten seconds. */
const limitsMs = { all: 30_000, leaderless: 8_000 };
/** Of one that leads nobody, as far as is known here. */
const otherDeadlineMs = 1_000;

/** Resolves once it is out. Throws `no_leader` when nobody can do it. */
export async function leaveCluster(
  { clock, rpc, cluster, stepAside }: LeavingPorts,
  { nodeId, tcpAddress, stepMs }: LeavingNode,
): Promise<void> {
  const sinceMs = clock.monotonicMs();
  let ledMs = sinceMs;
  for (let attempt = 0; ; attempt++) {
    await stepAside();
    const { leader, peers } = cluster();
    const others = peers.filter((peer) => peer !== tcpAddress);
    const asked = leader === '' ? others[attempt % others.length] : leader;
    const deadlineMs = leader === '' ? otherDeadlineMs : membershipLimitMs;
    if (asked !== undefined && asked !== tcpAddress && (await isOut(rpc, asked, { nodeId, deadlineMs }))) return; // prettier-ignore
    const nowMs = clock.monotonicMs();
    if (leader !== '') ledMs = nowMs;
    const isLate = nowMs - sinceMs > limitsMs.all || nowMs - ledMs > limitsMs.leaderless;
    if (isLate) throw new DbError('no_leader', 'no leader');
    await clock.sleep(stepMs);
  }
}

/** False when the one asked does not lead, or leads no more, or does not say what became of it. */
async function isOut(
  rpc: LeavingPorts['rpc'],
  address: string,
  { nodeId, deadlineMs }: { readonly nodeId: number; readonly deadlineMs: number },
): Promise<boolean> {
  try {
    await rpc.call(address, removeMetaMethod, { nodeId }, { deadlineMs });
    return true;
  } catch (error) {
    // Asked a second time: the answer to the first one was lost.
    if (isDbError(error, 'node_not_found')) return true;
    const isUnknown = (['not_leader', 'unavailable', 'outcome_unknown', 'timeout'] as const).some((code) => isDbError(error, code)); // prettier-ignore
    if (isUnknown) return false;
    throw error;
  }
}
