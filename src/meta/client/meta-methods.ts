/**
 * What meta nodes answer: the methods of src/proto/meta.proto that data nodes and operators' tools call, Raft aside
 * (meta/server/raft-methods.ts).
 */
import { MiB } from '../../base/units.ts';
import { address, bytes, count, id, list, mapped, optional, refused, text, uint64, type Field } from '../../proto/field.ts'; // prettier-ignore
import { varve } from '../../proto/gen/wire.js';
import { message, union, type Message } from '../../proto/message.ts';
import { decodeMessage, encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';
import type { CommandAnswer } from '../model/catalog.ts';
import type { CatalogForm } from '../codec/catalog-codec.ts';
import type { CatalogStep } from '../apply/catalog-changes.ts';
import { decodeLogged, encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';

const { v1 } = varve.meta;

/** A command that makes shard groups for as many times as one may (meta/command/command-shape.ts) has 3 MB. */
export const commandBytesMax = 16 * MiB;
/** A hundred thousand shards with their owners have some 20 MB. */
export const catalogBytesMax = 1_024 * MiB;
const metaNodesMax = 64;
const versionLengthMax = 256;
const schemeLengthMax = 16;
/** Of one step. */
const changesMax = 1_000_000;
/** Nodes that a node hears of. */
export const heardMax = 4_096;

/** A command before it has been looked at (meta/command/command-shape.ts). */
export interface CommandRequest {
  readonly id: string;
  readonly command?: unknown;
  /** Of the catalog that the asker has: what is decided must be later than it (meta/server/forgotten-catalog.ts). */
  readonly heardIndex: number;
}

/** What `Execute` answers: the outcome at a leader, or who leads. */
export type ExecuteReply =
  | { readonly kind: 'leader'; readonly leader: string }
  | { readonly kind: 'executed'; readonly answer: CommandAnswer; readonly index: number };

/** What `Lease` answers: the outcome at a leader, or who leads. */
export type LeaseReply =
  | { readonly kind: 'leader'; readonly leader: string }
  | {
      readonly kind: 'granted';
      readonly token: number;
      readonly durationMs: number;
      readonly index: number;
    }
  | { readonly kind: 'refused'; readonly owner: number };

/** The index of the watcher's catalog, 0 for none, and what it reads: `protobuf` is both forms. */
export interface WatchRequest {
  readonly index: number;
  readonly form: CatalogForm;
}

/**
 * What makes the watcher's catalog the present one, whole (codec/catalog-codec.ts) or as a step, and nothing as a sign of
 * life.
 */
export interface WatchReply {
  readonly catalog?: Uint8Array | undefined;
  readonly step?: CatalogStep | undefined;
}

/** What a node tells of itself now and then (spec F15); known by its TCP address. */
export interface Announcement {
  readonly tcpAddress: string;
  readonly version: string;
  /** `https` where its HTTP API speaks TLS. */
  readonly httpScheme?: string | undefined;
  /** What a meta node has heard of others. */
  readonly heard?: readonly HeardOf[] | undefined;
}

export interface HeardOf {
  readonly tcpAddress: string;
  readonly version: string;
  readonly httpScheme?: string | undefined;
  readonly ageMs: number;
}

/** Plain data in our own block, as the log and the snapshots keep it. */
function block<T>(lengthBytesMax: number, check: (value: unknown, name: string) => T): Field<T> {
  return mapped(bytes({ lengthBytesMax }), {
    to: encodeMessage,
    from: (whole, name) => check(decodeMessage(whole), name),
  });
}

const noLeaderOr: Field<string> = {
  toWire: (value) => value,
  fromWire: (value, name) => (value === '' ? '' : address.fromWire(value, name)),
};

/** A node's cluster is never 0 once it has one. */
const clusterId = mapped(uint64, {
  to: (value: bigint) => value,
  from: (value, name) => {
    if (value === 0n) throw refused(name, 'is 0');
    return value;
  },
});

export const executeMethod = callMethod('/varve.meta.v1.Catalog/Execute', {
  requestBytesMax: commandBytesMax,
  request: message(v1.ExecuteRequest, {
    id: text({ lengthMax: 128 }),
    command: mapped(bytes({ lengthBytesMax: commandBytesMax }), {
      to: (command: unknown) => encodeLogged({ id: '', command: command as Command }),
      from: (encoded) => commandIn(encoded),
    }),
    heardIndex: count(),
  }),
  reply: union<ExecuteReply>(v1.ExecuteReply, {
    variants: {
      leader: ['leader', leaderField()],
      executed: [
        'executed',
        message(v1.ExecuteReply.Executed, {
          answer: block(commandBytesMax, checkAnswer),
          index: count(),
        }),
      ],
    },
  }),
});

export const leaseMethod = callMethod('/varve.meta.v1.Catalog/Lease', {
  requestBytesMax: 1_024,
  request: message(v1.LeaseRequest, { name: text({ lengthMax: 255 }), nodeId: id }),
  reply: union<LeaseReply>(v1.LeaseReply, {
    variants: {
      leader: ['leader', leaderField()],
      granted: [
        'granted',
        message(v1.LeaseReply.Granted, { token: count(), durationMs: count(), index: count() }),
      ],
      refused: ['refused', message(v1.LeaseReply.Refused, { owner: count() })],
    },
  }),
});

export const stepMessage: Message<CatalogStep> = message(v1.CatalogStep, {
  fromIndex: count(),
  toIndex: count(),
  changes: list(
    message(v1.CatalogChange, {
      index: count(),
      command: bytes({ lengthBytesMax: commandBytesMax }),
    }),
    { max: changesMax },
  ),
  counts: optional(
    message(v1.CatalogCounts, {
      nodeIdMax: count(),
      shardGroupIdMax: count(),
      shardIdMax: count(),
      databaseCount: count(),
      shardCount: count(),
    }),
  ),
});

/** A later release's is more than protobuf. */
const form = mapped(count(), {
  to: (value: CatalogForm) => (value === 'json' ? 0 : 1),
  from: (value) => (value === 0 ? 'json' : 'protobuf'),
});

export const watchMethod = streamMethod('/varve.meta.v1.Catalog/Watch', {
  request: message(v1.WatchRequest, { index: count(), form }),
  reply: message(v1.WatchReply, {
    catalog: optional(bytes({ lengthBytesMax: catalogBytesMax })),
    step: optional(stepMessage),
  }),
});

/** Throws `not_leader`, and what a leader says that has not committed in its term yet. */
export const readIndexMethod = callMethod('/varve.meta.v1.Catalog/ReadIndex', {
  request: message(v1.ReadIndexRequest, {}),
  reply: message(v1.ReadIndexReply, { index: count() }),
});

export const joinMetaMethod = callMethod('/varve.meta.v1.Membership/Join', {
  access: 'newcomer',
  request: message(v1.JoinRequest, { nodeId: id, clusterId }),
  reply: message(v1.JoinReply, {}),
});

export const removeMetaMethod = callMethod('/varve.meta.v1.Membership/Remove', {
  request: message(v1.RemoveRequest, { nodeId: id }),
  reply: message(v1.RemoveReply, {}),
});

export const metaStatusMethod = callMethod('/varve.meta.v1.Membership/Status', {
  access: 'anyone',
  requestBytesMax: 1_024,
  request: message(v1.StatusRequest, {}),
  reply: message(v1.StatusReply, {
    nodeId: count(),
    term: count(),
    leader: noLeaderOr,
    peers: list(address, { max: metaNodesMax }),
  }),
});

const version = text({ lengthMax: versionLengthMax });
/** To the millisecond. */
const ageMs = mapped(count(), { to: (value: number) => Math.max(0, Math.round(value)), from: (value) => value }); // prettier-ignore

const httpScheme = mapped(text({ lengthMax: schemeLengthMax }), {
  to: (value?: string) => value ?? '',
  from: (value) => (value === '' ? undefined : value),
});

const heardOf = message(v1.Announcement.HeardOf, {
  tcpAddress: address,
  version,
  httpScheme,
  ageMs,
});
const heard = list(heardOf, { max: heardMax });

export const announceMethod = callMethod('/varve.meta.v1.Membership/Announce', {
  request: message(v1.Announcement, {
    tcpAddress: address,
    version,
    httpScheme,
    heard: mapped(heard, {
      to: (value?: readonly HeardOf[]) => value ?? [],
      from: (value) => value,
    }),
  }),
  reply: message(v1.AnnouncementReceipt, {}),
});

/** Nodes of releases before send the command alone, in a block of ours. */
function commandIn(encoded: Uint8Array): unknown {
  return isMessageBlock(encoded) ? decodeMessage(encoded) : decodeLogged(encoded).command;
}

/** The member of the oneof is the address itself. */
function leaderField(): Field<{ readonly leader: string }> {
  return mapped(noLeaderOr, {
    to: ({ leader }: { readonly leader: string }) => leader,
    from: (leader) => ({ leader }),
  });
}

function checkAnswer(value: unknown, name: string): CommandAnswer {
  const answer = value as Partial<Record<string, unknown>> | null;
  const isGood = answer?.['ok'] === true;
  const isBad =
    answer?.['ok'] === false &&
    typeof answer['code'] === 'string' &&
    typeof answer['text'] === 'string';
  if (!isGood && !isBad) throw refused(name, 'is no answer to a command');
  return value as CommandAnswer;
}
