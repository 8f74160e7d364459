/**
 * A copy of a shard ends with an owner more only while its source owns the shard: what is written after the source has left the cluster nobody
 * passes on to where the copy went (decision 24), and the new owner would lack it.
 *
 * Invariant: what is agreed to holds where the command is applied: what waits behind the catalog may take the source out. Here and not where commands are
 * applied, as metas of all releases have to come to the same.
 */
import { DbError } from '../../base/errors.ts';
import type { Entry } from '../../raft/types.ts';
import { decodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { isLogged } from '../command/command-shape.ts';
import type { Catalog } from '../model/catalog.ts';
import { copiesOf } from '../model/shard-copies.ts';
import { ownsShard } from '../model/shard-fate.ts';

/** Throws `conflict` for the end of a copy whose source has left. `unapplied`: the log behind the catalog. */
export function refuseCopyEnd(
  catalog: Catalog,
  command: Command,
  unapplied: () => readonly Entry[],
): void {
  if (command.kind !== 'finish-shard-copy') return;
  const { shardId, beganIndex } = command;
  const copy = copiesOf(catalog).find((one) => one.beganIndex === beganIndex);
  // Done already, or given up: whoever applies the command tells.
  if (copy === undefined) return;
  const { sourceId } = copy;
  const isThere = ownsShard(catalog, shardId, sourceId);
  if (isThere && !unapplied().some((entry) => takesOut(entry, sourceId))) return;
  throw new DbError(
    'conflict',
    `node ${sourceId}, which shard ${shardId} is copied from, has left`,
  );
}

function takesOut(entry: Entry, nodeId: number): boolean {
  const logged = entry.kind === 'command' ? decodeLogged(entry.data) : undefined;
  if (!isLogged(logged)) return false;
  return logged.command.kind === 'delete-data-node' && logged.command.nodeId === nodeId;
}
