/**
 * Reads of a meta node that see all that was committed before they were asked for, whoever leads (Raft's thesis, 6.4): a node that
 * was just started, or parted from the others, would tell old facts as if they held.
 *
 * Invariants:
 * - `true` only where this node has applied all that was acknowledged before the call;
 * - nobody waits much longer than the limit: where nobody leads a node says what it knows, as the reference does at once.
 */
import { isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { readIndexMethod } from '../client/meta-methods.ts';
import type { RaftDriver } from './raft-driver.ts';

export interface SettledReadPorts {
  readonly driver: Pick<RaftDriver, 'isLeader' | 'leaderAddress' | 'appliedIndex' | 'readBarrier'>;
  readonly rpc: Pick<RpcClient, 'call'>;
  readonly clock: Clock;
}

/** Between two looks at the leader, and at what has been applied. */
const stepMs = 20;

/** Whether a read may begin that has to see what was committed; false where that is not known within the limit. */
export async function settleRead(ports: SettledReadPorts, limitMs: number): Promise<boolean> {
  const { driver, clock } = ports;
  const giveUpMs = clock.monotonicMs() + limitMs;
  const leftMs = (): number => giveUpMs - clock.monotonicMs();
  let index: number | undefined;
  while (leftMs() > 0) {
    try {
      index ??= await committedIndex(ports, leftMs());
    } catch (error) {
      // Of an earlier release, which has no such method.
      if (isDbError(error, 'unsupported_version')) return false;
      if (!isDbError(error)) throw error;
    }
    if (index !== undefined && driver.appliedIndex >= index) return true;
    await clock.sleep(stepMs);
  }
  return false;
}

/** Of a leader that was sure to lead when it was asked; undefined while this node knows of none. */
async function committedIndex(
  { driver, rpc }: SettledReadPorts,
  deadlineMs: number,
): Promise<number | undefined> {
  if (driver.isLeader) {
    await driver.readBarrier();
    return driver.appliedIndex;
  }
  const leader = driver.leaderAddress;
  if (leader === '') return undefined;
  return (await rpc.call(leader, readIndexMethod, {}, { deadlineMs })).index;
}
