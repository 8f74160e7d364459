/**
 * Retention deletes a shard group for good and at all nodes, by the clock of whichever data node looks first: the meta node that leads
 * agrees by its own clock, so that one node whose clock is wrong deletes nothing (decision 130).
 *
 * Invariant: what is agreed to holds where the command is applied. The catalog is as far as the log is applied, and what waits behind
 * that may have the policy keep its points for longer (decision 158).
 */
import { DbError } from '../../base/errors.ts';
import { minuteNs } from '../../base/units.ts';
import type { Entry } from '../../raft/types.ts';
import { decodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { isLogged } from '../command/command-shape.ts';
import { findDatabase, findRetentionPolicy, type Catalog } from '../model/catalog.ts';

/** Clocks of nodes that are well kept differ by less. */
const clockSkewNs = minuteNs;

/** Throws `conflict` for a command that deletes a group whose points are still to be kept. `unapplied`: the log behind the catalog. */
export function refuseStillKept(
  catalog: Catalog,
  command: Command,
  { nowNs, unapplied }: { readonly nowNs: bigint; readonly unapplied: () => readonly Entry[] },
): void {
  if (command.kind !== 'delete-shard-group') return;
  if (unapplied().some((entry) => isOfPolicy(entry, command)))
    throw new DbError('conflict', 'its policy is just being changed');
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

/** Whether an entry changes how long the policy of a command keeps its points, or which group is meant. */
function isOfPolicy(
  entry: Entry,
  { database, retentionPolicy }: Extract<Command, { kind: 'delete-shard-group' }>,
): boolean {
  const logged = entry.kind === 'command' ? decodeLogged(entry.data) : undefined;
  if (!isLogged(logged)) return false;
  const { command } = logged;
  if (command.kind === 'overwrite-databases') return true;
  if (command.kind !== 'alter-retention-policy') return false;
  return command.database === database && command.name === retentionPolicy;
}
