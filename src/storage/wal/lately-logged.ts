/**
 * What the log says that a node took last before it ended: which may not have got further than here (decision 137).
 *
 * Invariants:
 * - Segments of earlier runs alone are read, of each worker the last `bytesMax` of them; one that goes meanwhile is passed over.
 * - What is answered are batches of the shards asked for that each run of a coordinator gave within `windowNs` of its latest: by the
 *   clock of whoever gave them, however far apart clocks are. In the order of the log.
 */
import type { Disk } from '../../env/disk.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import { noStamp, stampNs, stampOfBatch, stampOrigin } from '../../models/stamp.ts';
import { openPresent } from './open-present.ts';
import { readSegment } from './read-segment.ts';
import { parseSegmentName, type SegmentName } from './segment-name.ts';
import { WalRecordKind } from './wal-record.ts';

/** A batch as it was written to its shard. */
export interface LoggedBatch {
  readonly shardId: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface LatelyLoggedOptions {
  readonly folder: string;
  /** The last of the runs that are read. */
  readonly run: number;
  readonly shardIds: ReadonlySet<number>;
  readonly windowNs: bigint;
  readonly bytesMax: number;
}

/** Throws what the disk says. */
export async function latelyLogged(
  { disk, ...ports }: SlicePorts & { readonly disk: Disk },
  { folder, run, shardIds, windowNs, bytesMax }: LatelyLoggedOptions,
): Promise<readonly LoggedBatch[]> {
  const slices = new Slices(ports);
  const logged: LoggedBatch[] = [];
  const latest = new Map<bigint, bigint>();
  for (const { path, salt } of await lastSegments(disk, { folder, run, bytesMax })) {
    const file = await openPresent(disk, path);
    if (file === undefined) continue;
    try {
      await readSegment(file, salt, {
        onGap: () => undefined,
        onRecord: ({ kind, shardId, payload }) => {
          const stamp = kind === WalRecordKind.points ? stampOfBatch(payload) : noStamp;
          if (stamp !== noStamp && shardIds.has(shardId)) {
            logged.push({ shardId, payload: payload.slice() });
            const [ns, origin] = [stampNs(stamp), stampOrigin(stamp)];
            if (ns > (latest.get(origin) ?? ns - 1n)) latest.set(origin, ns);
          }
          return slices.isDue ? slices.rest() : undefined;
        },
      });
    } finally {
      await file.close();
    }
  }
  return logged.filter(({ payload }) => {
    const stamp = stampOfBatch(payload);
    return stampNs(stamp) >= (latest.get(stampOrigin(stamp)) ?? 0n) - windowNs;
  });
}

/** As they were written. */
async function lastSegments(
  disk: Disk,
  { folder, run, bytesMax }: Pick<LatelyLoggedOptions, 'folder' | 'run' | 'bytesMax'>,
): Promise<readonly { readonly path: string; readonly salt: number }[]> {
  const bytesOf = new Map<number, number>();
  const last: { readonly path: string; readonly salt: number }[] = [];
  for (const { name } of (await disk.list(folder)).toReversed()) {
    const parsed: SegmentName | undefined = parseSegmentName(name);
    if (parsed === undefined || parsed.run > run) continue;
    const before = bytesOf.get(parsed.worker) ?? 0;
    if (before >= bytesMax) continue;
    const path = `${folder}/${name}`;
    bytesOf.set(parsed.worker, before + ((await disk.size(path)) ?? 0));
    last.push({ path, salt: parsed.salt });
  }
  return last.reverse();
}
