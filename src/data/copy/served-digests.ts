import { crc32, deflateRawSync } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import {
  digestMethod,
  pickedPointsMethod,
  rangePointsMethod,
  seriesDigestsMethod,
  sketchMethod,
  storedDeletesMethod,
} from '../../meta/client/digest-methods.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { ownsShard } from '../../meta/model/shard-fate.ts';
import { serveCall, serveStream, type ServedMethod } from '../../rpc/served-method.ts';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import { packPoints } from '../engine/digests/packed-points.ts';
import { pickedMax } from '../engine/digests/sketch-parts.ts';
import type { ShardDigests } from '../engine/digests/local-digests.ts';

export interface ServedDigestsPorts {
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly local: ShardDigests;
}

const nothing = new Uint8Array(0);

/** What others ask of this node to see whether it has the points that they have. */
export function servedDigests({ meta, local }: ServedDigestsPorts): readonly ServedMethod[] {
  const refuseForeign = (shardId: number): void => {
    if (!ownsShard(meta.catalog, shardId, meta.nodeId))
      throw new DbError('shard_not_found', `shard ${shardId} is not on this node`);
  };
  return [
    serveCall(storedDeletesMethod, async ({ shardId }) => {
      refuseForeign(shardId);
      return { deletes: await local.storedDeletes(shardId) };
    }),
    serveStream(seriesDigestsMethod, async function* (task, { signal }) {
      refuseForeign(task.shardId);
      for await (const series of local.seriesDigests(task, signal)) yield { series: series ?? [] };
    }),
    serveStream(rangePointsMethod, async function* (task, { signal }) {
      refuseForeign(task.shardId);
      for await (const points of local.rangePoints(task, signal))
        yield { payload: points === undefined ? nothing : deflateRawSync(points.payload, { level: 1 }), ...points?.stamps }; // prettier-ignore
    }),
    serveStream(sketchMethod, async function* (task, { signal }) {
      refuseForeign(task.shardId);
      for await (const cells of local.sketch(task, signal)) yield { cells: cells ?? nothing };
    }),
    serveStream(pickedPointsMethod, async function* ({ hashes: bytes, ...task }, { signal }) {
      refuseForeign(task.shardId);
      const hashes = HashFilter.of(bytes, pickedMax);
      if (hashes === undefined) throw new DbError('invalid_argument', 'no list of hashes');
      for await (const points of local.pickedPoints({ ...task, hashes }, signal))
        yield { packed: points === undefined ? nothing : packPoints(points.payload), ...points?.stamps }; // prettier-ignore
    }),
    serveStream(digestMethod, async function* ({ shardId, known, ...range }, { signal }) {
      refuseForeign(shardId);
      let isMissing = true;
      for await (const digest of local.digest({ shardId, ...range }, signal)) {
        isMissing = false;
        if (digest === undefined) yield { isMissing };
        else {
          const bytes = new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength);
          yield { digest: crc32(bytes) === known ? new Uint8Array(0) : bytes, isMissing };
        }
      }
      if (isMissing) yield { isMissing };
    }),
  ];
}
