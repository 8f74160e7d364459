/** What data nodes answer to the meta leader that adds them (src/proto/data.proto, service Node). */
import { address, choice, count, flag, id, int64, list, mapped, refused, text, uint64, type Field } from '../../proto/field.ts'; // prettier-ignore
import { MiB } from '../../base/units.ts';
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';
import { waitingHints } from './hint-news-method.ts';

const { v1 } = varve.data;

const metaNodesMax = 64;
/** Of one data node. */
const sharedShardsMax = 200_000;
/** Shards of one part of an answer. */
export const statesMax = 1_000;

/** What the meta leader tells a data node that it adds. */
export interface DataIdentity {
  readonly nodeId: number;
  readonly clusterId: bigint;
  /** host:8089 of the meta nodes. */
  readonly metaAddresses: readonly string[];
}

const someAddresses: Field<readonly string[]> = mapped(list(address, { max: metaNodesMax }), {
  to: (value: readonly string[]) => value,
  from: (value, name) => {
    if (value.length === 0) throw refused(name, 'is empty');
    return value;
  },
});

/** For a node that is of a cluster: its id is never 0. */
const clusterId = mapped(uint64, {
  to: (value: bigint) => value,
  from: (value, name) => {
    if (value === 0n) throw refused(name, 'is 0');
    return value;
  },
});

/** What a node is told and what it keeps are checked alike. */
export const dataIdentityFields = { nodeId: id, clusterId, metaAddresses: someAddresses } as const;

export const dataStatusMethod = callMethod('/varve.data.v1.Node/Status', {
  access: 'anyone',
  requestBytesMax: 1_024,
  request: message(v1.StatusRequest, { clusterId: uint64 }),
  reply: message(v1.StatusReply, {
    cluster: choice({ none: 0, same: 1, other: 2 }),
    nodeId: count(),
    httpAddress: address,
  }),
});

/** What a node is told of a shard that it owns with others. */
export interface SharedShard {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

export const joinDataMethod = callMethod('/varve.data.v1.Node/Join', {
  access: 'newcomer',
  requestBytesMax: 16 * MiB,
  request: message(v1.JoinRequest, {
    ...dataIdentityFields,
    // A leader of a release before names none.
    sharedShards: list(
      message(v1.JoinRequest.Shard, { shardId: id, database: text(), retentionPolicy: text() }),
      { max: sharedShardsMax },
    ),
  }),
  reply: message(v1.JoinReply, {}),
});

/** A node of another cluster must not lose its points. */
export interface LeaveRequest {
  readonly nodeId: number;
  readonly clusterId: bigint;
}

/** What a data node says of one of its shards. */
export interface ShardState {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** Not all of it is in files yet. */
  readonly isHot: boolean;
  /** When it was written to, or the node started. */
  readonly modifiedNs: bigint;
  readonly sizeBytes: number;
}

export const leaveDataMethod = callMethod('/varve.data.v1.Node/Leave', {
  request: message(v1.LeaveRequest, { nodeId: id, clusterId }),
  reply: message(v1.LeaveReply, {}),
});

export const discardMethod = callMethod('/varve.data.v1.Node/Discard', {
  request: message(v1.DiscardRequest, { shardId: id, catalogIndex: count() }),
  reply: message(v1.DiscardReply, {}),
});

export const statesMethod = streamMethod('/varve.data.v1.Node/States', {
  request: message(v1.StatesRequest, { tellsBehind: flag }),
  reply: message(v1.StatesReply, {
    states: list(
      message(v1.StatesReply.State, {
        shardId: id,
        database: text(),
        retentionPolicy: text(),
        isHot: flag,
        modifiedNs: int64,
        sizeBytes: count(),
      }),
      { max: statesMax },
    ),
    behind: waitingHints,
  }),
});
