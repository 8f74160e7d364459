/** What other nodes, and who makes backups, ask of the files of this node's shards. */
import { DbError } from '../../base/errors.ts';
import {
  copiesMethod,
  copyMethod,
  installMethod,
  readFileMethod,
  releaseMethod,
  snapshotMethod,
  stageMethod,
  unstageMethod,
  writeFileMethod,
} from '../../meta/client/transfer-methods.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { serveCall, serveStream, type ServedMethod } from '../../rpc/served-method.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { copiesOf } from '../../meta/model/shard-copies.ts';
import type { NamedShard } from '../engine/shard-access.ts';
import { findShard } from '../shards/shard-places.ts';
import type { Copies } from './copies.ts';
import type { Snapshots } from './snapshots.ts';
import type { Stagings } from './stagings.ts';

export interface TransfersPorts {
  readonly copies: Pick<Copies, 'follow' | 'progress'>;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'> & { reach(index: number): Promise<void> };
  readonly snapshots: Snapshots;
  readonly stagings: Stagings;
}

export function servedTransfers({
  meta,
  snapshots,
  stagings,
  copies,
}: TransfersPorts): readonly ServedMethod[] {
  /** Throws `shard_not_found` for one that is not this node's. */
  const owned = (shardId: number): NamedShard => {
    const place = findShard(meta.catalog, shardId);
    if (place?.owners.includes(meta.nodeId) !== true)
      throw new DbError('shard_not_found', `shard ${shardId} is not on this node`);
    const { database, retentionPolicy } = place;
    return { shardId, database, retentionPolicy };
  };
  return [
    serveCall(snapshotMethod, async ({ shardId, catalogIndex }) => {
      await meta.reach(catalogIndex);
      owned(shardId);
      const isCopy = isCopied(meta.catalog, shardId, catalogIndex);
      // A destination that was killed releases nothing.
      if (!isCopy) return snapshots.take(shardId);
      return snapshots.take(shardId, () => !isCopied(meta.catalog, shardId, catalogIndex));
    }),
    serveStream(readFileMethod, (request) => snapshots.read(request)),
    serveCall(releaseMethod, async ({ snapshotId }) => {
      await snapshots.release(snapshotId);
      return {};
    }),
    serveCall(stageMethod, async ({ shardId }) => ({
      stagingId: await stagings.begin(owned(shardId)),
    })),
    serveCall(writeFileMethod, async (piece) => ({ sizeBytes: await stagings.write(piece) })),
    serveCall(installMethod, async ({ stagingId, copyIndex }) => {
      await stagings.install(stagingId, { copyIndex, deletes: [] });
      return {};
    }),
    serveStream(copyMethod, async function* (request, { signal }) {
      await meta.reach(request.copyIndex);
      yield* copies.follow(request, signal);
    }),
    serveCall(copiesMethod, () => Promise.resolve({ copies: copies.progress })),
    serveCall(unstageMethod, async ({ stagingId }) => {
      await stagings.end(stagingId);
      return {};
    }),
  ];
}

/** Whether the copy that began with the catalog of `beganIndex` goes on. */
function isCopied(catalog: Catalog, shardId: number, beganIndex: number): boolean {
  return copiesOf(catalog).some(
    (copy) =>
      copy.shardId === shardId && copy.beganIndex === beganIndex && copy.state === 'copying',
  );
}
