/** What owners say of the points that they have of a shard (src/proto/data.proto, service Digests). */
import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';
import { stampNs, stampOf, stampOrigin, type Stamp } from '../../models/stamp.ts';
import { MiB } from '../../base/units.ts';
import { bytes, count, flag, id, int64, list, mapped, optional, text, uint64, words } from '../../proto/field.ts'; // prettier-ignore
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';

const { v1 } = varve.data;

const digestBytesMax = 1 << 20;
const uint32Max = 2 ** 32 - 1;
const keyBytesMax = 65_536;
const seriesMax = 1_000_000;
/** All that a shard remembers are shorter together. */
const filterLengthMax = 1 << 20;
/** Some 100,000 differences. */
const sketchCellsMax = 1 << 18;
const pointsBytesMax = 16 * MiB;

export const digestMethod = streamMethod('/varve.data.v1.Digests/Digest', {
  request: message(v1.DigestRequest, {
    shardId: id,
    startNs: int64,
    endNs: int64,
    known: optional(count({ max: uint32Max })),
    isAnew: flag,
  }),
  reply: message(v1.DigestReply, {
    digest: optional(bytes({ lengthBytesMax: digestBytesMax })),
    isMissing: flag,
  }),
});

/** Any bytes, as keys of series may have. */
const key = mapped(bytes({ lengthBytesMax: keyBytesMax }), { to: exactBytesOf, from: exactTextOf });

export const stampField = mapped(message(v1.BatchStamp, { ns: int64, origin: uint64 }), {
  to: (value: Stamp) => ({ ns: stampNs(value), origin: stampOrigin(value) }),
  from: ({ ns, origin }) => stampOf(ns, origin),
});

export const storedDeletesMethod = callMethod('/varve.data.v1.Digests/Deletes', {
  request: message(v1.StoredDeletesRequest, { shardId: id }),
  reply: message(v1.StoredDeletesReply, {
    deletes: list(
      message(v1.StoredDelete, {
        stamp: stampField,
        minTimeNs: int64,
        maxTimeNs: int64,
        filter: text({ lengthMax: filterLengthMax }),
      }),
      { max: seriesMax },
    ),
  }),
});

export const seriesDigestsMethod = streamMethod('/varve.data.v1.Digests/Series', {
  request: message(v1.SeriesDigestsRequest, {
    shardId: id,
    startNs: int64,
    endNs: int64,
    seriesParts: list(count({ max: 1_023 }), { max: 1_024 }),
    timeMask: count({ max: uint32Max }),
  }),
  reply: message(v1.SeriesDigestsReply, {
    series: list(
      message(v1.SeriesDigest, { key, entries: words({ lengthBytesMax: digestBytesMax }) }),
      { max: seriesMax },
    ),
  }),
});

export const rangePointsMethod = streamMethod('/varve.data.v1.Digests/Points', {
  requestBytesMax: pointsBytesMax,
  request: message(v1.RangePointsRequest, {
    shardId: id,
    startNs: int64,
    endNs: int64,
    series: list(
      message(v1.SeriesSlices, { key, slices: list(count({ max: 65_535 }), { max: 65_536 }) }),
      { max: seriesMax },
    ),
  }),
  reply: message(v1.RangePointsReply, {
    payload: bytes({ lengthBytesMax: pointsBytesMax }),
    least: optional(stampField),
    greatest: optional(stampField),
  }),
});

const saltedParts = {
  shardId: id,
  startNs: int64,
  endNs: int64,
  seriesParts: list(count({ max: 1_023 }), { max: 1_024 }),
  timeMask: count({ max: uint32Max }),
  salt: count({ max: uint32Max }),
};

export const sketchMethod = streamMethod('/varve.data.v1.Digests/Sketch', {
  request: message(v1.SketchRequest, {
    ...saltedParts,
    table: count({ max: 255 }),
    cellCount: count({ min: 3, max: sketchCellsMax }),
  }),
  reply: message(v1.SketchReply, { cells: bytes({ lengthBytesMax: sketchCellsMax * 5 }) }),
});

export const pickedPointsMethod = streamMethod('/varve.data.v1.Digests/Picked', {
  request: message(v1.PickedPointsRequest, {
    ...saltedParts,
    hashes: bytes({ lengthBytesMax: digestBytesMax }),
  }),
  reply: message(v1.PickedPointsReply, {
    packed: bytes({ lengthBytesMax: pointsBytesMax }),
    least: optional(stampField),
    greatest: optional(stampField),
  }),
});

/** What a node knows of a shard that it owns. */
export interface ShardRepair {
  readonly shardId: number;
  /** '' where nothing is known to differ. */
  readonly status: string;
  readonly isQueued: boolean;
  readonly isProcessing: boolean;
}

export const repairsMethod = callMethod('/varve.data.v1.Repairs/Repairs', {
  request: message(v1.RepairsRequest, {}),
  reply: message(v1.RepairsReply, {
    repairs: list(
      message(v1.ShardRepair, {
        shardId: id,
        status: text({ lengthMax: 64 }),
        isQueued: flag,
        isProcessing: flag,
      }),
      { max: seriesMax },
    ),
  }),
});

export const queueRepairMethod = callMethod('/varve.data.v1.Repairs/Queue', {
  request: message(v1.QueueRepairRequest, { shardId: id }),
  reply: message(v1.QueueRepairReply, {}),
});

export const cancelRepairMethod = callMethod('/varve.data.v1.Repairs/Cancel', {
  request: message(v1.CancelRepairRequest, { shardId: id }),
  reply: message(v1.CancelRepairReply, {}),
});
