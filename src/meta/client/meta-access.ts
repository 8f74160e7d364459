import { DbError } from '../../base/errors.ts';
import type { Catalog, CommandValue } from '../model/catalog.ts';
import type { CatalogNews } from '../apply/catalog-changes.ts';
import type { Command } from '../command/command.ts';

/** The cluster's facts as a data node sees them: a cached copy to read, and the metas to change them through. */
export interface MetaAccess {
  /** Never waits; may be older than the metas' by what the watch takes. */
  readonly catalog: Catalog;
  /** Of this data node; 0 before it was added to a cluster. */
  readonly nodeId: number;
  /**
   * Resolves once the command is committed and this node's catalog has it. Throws the command's own error, or
   * `unavailable` with the text `meta service unavailable` when no meta node leads.
   */
  execute(command: Command): Promise<CommandValue | undefined>;
}

/**
 * Throws `unavailable` on a node of a cluster that knows nothing of it yet, as its copy of the catalog was lost and no meta node has
 * answered since: it must not say that a database is not there, which has clients drop what they write.
 */
export function refuseUnknownCatalog({
  catalog,
  nodeId,
}: Pick<MetaAccess, 'catalog' | 'nodeId'>): void {
  if (nodeId !== 0) refuseEmptyCatalog(catalog);
}

/** The same also on a node that is of no cluster yet: one on a new disk may be written to before it is added again. */
export function refuseEmptyCatalog({ index }: Pick<Catalog, 'index'>): void {
  if (index === 0) throw new DbError('unavailable', 'meta service unavailable');
}

/** A lease that this node has been given. */
export interface LeaseGrant {
  /** Grows with each new holder. */
  readonly token: number;
  /** From when it was asked for. */
  readonly durationMs: number;
}

/** Who wants to hear of each change, as the one that deletes what was dropped. */
export interface CatalogWatch {
  /**
   * Calls `listener` after each change until the function it returns is called. `droppedShardIds` names every shard that
   * was dropped while this node listened, those included that were made and dropped between two looks; what was dropped
   * while it was away shardFate (model/shard-fate.ts) tells of each shard that it holds.
   */
  watch(listener: (news: CatalogNews) => void): () => void;
}
