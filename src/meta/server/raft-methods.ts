/**
 * How Raft's messages travel (src/proto/meta.proto, service Raft), and what they may be: the core computes with what it
 * is told, so nothing gets to it that no node would send.
 */
import { MiB } from '../../base/units.ts';
import { address, bytes, count, flag, id, list, mapped, refused } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message, union } from '../../proto/message.ts';
import type { Message, MessageBody, Snapshot } from '../../raft/types.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';
import { firstVersion } from '../command/command-set.ts';
import { entryMessage, index, snapshotBytesMax, snapshotMessage, term } from './raft-fields.ts';

const { v1 } = varve.meta;
const { RaftMessage } = v1;

const messagesMax = 1_024;
const entriesMax = 65_536;

const append = mapped(
  message(RaftMessage.Append, {
    previousIndex: index,
    previousTerm: term,
    entries: list(entryMessage, { max: entriesMax }),
    commit: index,
  }),
  {
    to: (value: BodyOf<'append'>) => value,
    from: (value, name) => {
      let { previousIndex: lastIndex, previousTerm: lastTerm } = value;
      for (const one of value.entries) {
        if (one.index !== lastIndex + 1 || one.term < lastTerm)
          throw refused(name, 'has entries that do not follow each other');
        ({ index: lastIndex, term: lastTerm } = one);
      }
      return value;
    },
  },
);

const snapshot = mapped(snapshotMessage, {
  to: (value: BodyOf<'snapshot'>) => value.snapshot,
  from: (value: Snapshot) => ({ snapshot: value }),
});

const raftMessage = mapped(
  union<Message>(RaftMessage, {
    common: { from: id, to: id, term },
    variants: {
      vote: ['vote', message(RaftMessage.Vote, { isPreVote: flag, isTransfer: flag, lastIndex: index, lastTerm: term })], // prettier-ignore
      'vote-reply': ['voteReply', message(RaftMessage.VoteReply, { isPreVote: flag, granted: flag })], // prettier-ignore
      append: ['append', append],
      'append-reply': ['appendReply', message(RaftMessage.AppendReply, { index, rejected: flag, hintIndex: index, hintTerm: term })], // prettier-ignore
      heartbeat: ['heartbeat', message(RaftMessage.Heartbeat, { commit: index, round: count() })],
      'heartbeat-reply': ['heartbeatReply', message(RaftMessage.HeartbeatReply, { round: count() })], // prettier-ignore
      snapshot: ['snapshot', snapshot],
      'timeout-now': ['timeoutNow', message(RaftMessage.TimeoutNow, {})],
    } satisfies Readonly<Record<MessageBody['kind'], readonly [string, object]>>,
  }),
  {
    to: (value: Message) => value,
    from: (value, name) => {
      if (lastTermIn(value) > value.term) throw refused(name, 'tells of a later term than its own');
      return value;
    },
  },
);

/** Of a sender that says nothing it is the first. */
const commandVersion = mapped(count({ max: 2 ** 32 - 1 }), {
  to: (value: number) => value,
  from: (value) => Math.max(value, firstVersion),
});

const peerMessages = message(v1.RaftMessages, {
  from: address,
  commandVersion,
  messages: list(raftMessage, { max: messagesMax }),
});

/** Answered once the messages are with the core; what comes of them comes as messages the other way. */
export const deliverMethod = callMethod('/varve.meta.v1.Raft/Deliver', {
  requestBytesMax: snapshotBytesMax + MiB,
  request: peerMessages,
  reply: message(v1.RaftReceipt, {}),
});

export const listenMethod = streamMethod('/varve.meta.v1.Raft/Listen', {
  request: message(v1.ListenRequest, { from: address }),
  reply: peerMessages,
});

export interface ProofRequest {
  /** host:port by which the node that is asked was called. */
  readonly address: string;
  readonly nonce: Uint8Array;
}

/** Made by HMAC-SHA512. */
const proofBytes = 64;

/** For anyone: what it gives opens nothing (peer-proofs.ts). */
export const proveMethod = callMethod('/varve.meta.v1.Raft/Prove', {
  access: 'anyone',
  requestBytesMax: 1_024,
  request: message(v1.ProofRequest, { address, nonce: bytes({ lengthBytesMax: proofBytes }) }),
  reply: message(v1.ProofReply, { proof: bytes({ lengthBytesMax: proofBytes }) }),
});

type BodyOf<Kind extends MessageBody['kind']> = Omit<Extract<MessageBody, { kind: Kind }>, 'kind'>;

/** The latest term that a message speaks of beside its own. */
function lastTermIn(value: Message): number {
  switch (value.kind) {
    case 'append':
      return value.entries.at(-1)?.term ?? value.previousTerm;
    case 'snapshot':
      return value.snapshot.term;
    case 'vote':
      return value.lastTerm;
    default:
      return 0;
  }
}
