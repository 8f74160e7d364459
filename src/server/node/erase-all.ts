/** What a node has of a cluster that it leaves is taken from its disk (spec F12, decision 166). */
import type { LocalShards } from '../../data/engine/local-shards.ts';
import type { Log } from '../../env/log.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { ImportHandOver } from '../../services/import-hand-over.ts';

/** Throws what the disk says; it can be called again. */
export async function eraseAll(
  local: LocalShards,
  imported: Pick<ImportHandOver, 'forget'>,
): Promise<void> {
  const held = await local.facts.holdings();
  await local.deleteShards(held.map(({ shardId }) => shardId));
  await imported.forget();
}

/** Of a node that was ended while it erased, before anybody can ask it anything. */
export async function endLeaving(
  meta: MetaClient,
  parts: { readonly log: Log; readonly local: LocalShards; readonly imported: Pick<ImportHandOver, 'forget'> }, // prettier-ignore
): Promise<void> {
  if (!meta.isLeaving) return;
  const { nodeId } = meta;
  const { log, local, imported } = parts;
  log.warn('This node was ended as it left its cluster: it goes on to erase what it has', { nodeId }); // prettier-ignore
  await meta.leave({ settle: () => Promise.resolve(), erase: () => eraseAll(local, imported) });
  log.info('This node has left its cluster, and erased what it had', { nodeId });
}
