/** How files of shards travel (src/proto/data.proto, service Transfers). */
import { KiB, MiB } from '../../base/units.ts';
import { bytes, count, flag, id, int64, list, mapped, refused, text } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';

const { v1 } = varve.data;

/** Bytes of a file that travel together. */
export const pieceBytesMax = 256 * KiB;
const filesMax = 1_000_000;
const uint32Max = 2 ** 32 - 1;

/** A file of a shard, by what it is called in the shard's folder. Nothing else is asked for, or taken. */
const filePattern =
  /^(?:\d{9,15}-\d{9,15}\.(?:tsm|tombstone)|\d{9,15}\.(?:index|gone)|shard\.json)$/;

const fileName = mapped(text({ lengthMax: 64 }), {
  to: (name: string) => name,
  from: (name, path) => {
    if (!filePattern.test(name)) throw refused(path, 'is no file of a shard');
    return name;
  },
});
const piece = bytes({ lengthBytesMax: pieceBytesMax });
const crc = count({ max: uint32Max });

export interface SnapshotFileInfo {
  readonly name: string;
  readonly sizeBytes: number;
}

export const snapshotMethod = callMethod('/varve.data.v1.Transfers/Snapshot', {
  request: message(v1.SnapshotRequest, { shardId: id, catalogIndex: count() }),
  reply: message(v1.SnapshotReply, {
    snapshotId: count(),
    files: list(message(v1.SnapshotFile, { name: fileName, sizeBytes: count() }), { max: filesMax }), // prettier-ignore
    modifiedNs: int64,
  }),
});

export const readFileMethod = streamMethod('/varve.data.v1.Transfers/ReadFile', {
  request: message(v1.ReadFileRequest, {
    snapshotId: id,
    name: fileName,
    offsetBytes: count(),
    asIs: flag,
  }),
  reply: message(v1.ReadFileReply, { piece, crc32: crc }),
});

export const releaseMethod = callMethod('/varve.data.v1.Transfers/Release', {
  request: message(v1.ReleaseRequest, { snapshotId: id }),
  reply: message(v1.ReleaseReply, {}),
});

export const stageMethod = callMethod('/varve.data.v1.Transfers/Stage', {
  request: message(v1.StageRequest, { shardId: id }),
  reply: message(v1.StageReply, { stagingId: id }),
});

export const writeFileMethod = callMethod('/varve.data.v1.Transfers/WriteFile', {
  requestBytesMax: MiB,
  request: message(v1.WriteFileRequest, {
    stagingId: id,
    name: fileName,
    offsetBytes: count(),
    piece,
    crc32: crc,
  }),
  reply: message(v1.WriteFileReply, { sizeBytes: count() }),
});

export const installMethod = callMethod('/varve.data.v1.Transfers/Install', {
  request: message(v1.InstallRequest, { stagingId: id, copyIndex: count() }),
  reply: message(v1.InstallReply, {}),
});

export const unstageMethod = callMethod('/varve.data.v1.Transfers/Unstage', {
  request: message(v1.UnstageRequest, { stagingId: id }),
  reply: message(v1.UnstageReply, {}),
});

/** How far a copy is that is being brought to a node. */
export interface CopyProgress {
  readonly shardId: number;
  readonly copyIndex: number;
  /** 0 until the source has said. */
  readonly totalBytes: number;
  readonly doneBytes: number;
  /** Of late. */
  readonly bytesPerSecond: number;
  /** For its turn: others are brought to the node first. */
  readonly isWaiting: boolean;
}

const copiesMax = 1_000;
const progress = message(v1.CopyProgress, {
  shardId: id,
  copyIndex: id,
  totalBytes: count(),
  doneBytes: count(),
  bytesPerSecond: count(),
  isWaiting: flag,
});

export const copyMethod = streamMethod('/varve.data.v1.Transfers/Copy', {
  request: message(v1.CopyRequest, { shardId: id, copyIndex: id }),
  reply: message(v1.CopyReply, { progress, isWhole: flag }),
});

export const copiesMethod = callMethod('/varve.data.v1.Transfers/Copies', {
  request: message(v1.CopiesRequest, {}),
  reply: message(v1.CopiesReply, { copies: list(progress, { max: copiesMax }) }),
});
