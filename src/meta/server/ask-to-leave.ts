/** A data node that is taken out erases what it has, before the catalog says that it is gone (spec F12). */
import { isDbError } from '../../base/errors.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { dataStatusMethod, leaveDataMethod, type LeaveRequest } from '../client/data-methods.ts';

/** It deletes all that it has stored. */
const leaveDeadlineMs = 300_000;
const statusDeadlineMs = 5_000;

/**
 * Resolves once the node at `address` has left. One of no cluster has: it was told before, and whoever told it could not say so in the
 * catalog, or it was ended meanwhile (decision 166). Throws what the node says, `unavailable` where nobody answers.
 */
export async function askToLeave(
  rpc: Pick<RpcClient, 'call'>,
  address: string,
  request: LeaveRequest,
): Promise<void> {
  try {
    await rpc.call(address, leaveDataMethod, request, { deadlineMs: leaveDeadlineMs });
  } catch (error) {
    if (!isDbError(error, 'wrong_cluster')) throw error;
    const { clusterId } = request;
    const options = { deadlineMs: statusDeadlineMs };
    const { cluster } = await rpc.call(address, dataStatusMethod, { clusterId }, options);
    if (cluster !== 'none') throw error;
  }
}
