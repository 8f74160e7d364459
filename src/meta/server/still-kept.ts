/**
 * Retention deletes a shard group for good and at all nodes, by the clock of whichever data node looks first: the meta node that leads
 * agrees by its own clock, so that one node whose clock is wrong deletes nothing (decision 130).
 */
import { DbError } from '../../base/errors.ts';
import { minuteNs } from '../../base/units.ts';
import type { Command } from '../command/command.ts';
import { findDatabase, findRetentionPolicy, type Catalog } from '../model/catalog.ts';

/** Clocks of nodes that are well kept differ by less. */
const clockSkewNs = minuteNs;

/** Throws `conflict` for a command that deletes a group whose points are still to be kept. */
export function refuseStillKept(catalog: Catalog, command: Command, nowNs: bigint): void {
  if (command.kind !== 'delete-shard-group') return;
  const database = findDatabase(catalog, command.database);
  const policy = database && findRetentionPolicy(database, command.retentionPolicy);
  const group = policy?.shardGroups.find(({ id }) => id === command.groupId);
  // What is not there is told by whoever applies the command.
  if (policy === undefined || group === undefined) return;
  const { durationNs } = policy;
  if (durationNs !== 0n && group.endNs + durationNs < nowNs + clockSkewNs) return;
  const text =
    command.nowNs > nowNs + clockSkewNs
      ? `by the clock of the meta node that leads its points are still to be kept, and it is ${(command.nowNs - nowNs) / 1_000_000_000n} s behind this node's`
      : 'by its policy its points are still to be kept';
  throw new DbError('conflict', text);
}
