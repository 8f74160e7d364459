/**
 * How Raft's messages travel (src/proto/meta.proto, service Raft), and what they may be: the core computes with what it
 * is told, so nothing gets to it that no node would send.
 */
import { MiB } from '../../base/units.ts';
import { address, bytes, count, flag, id, list, mapped, refused } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message, union } from '../../proto/message.ts';
import { termMax } from '../../raft/sound-message.ts';
import type { Entry, Membership, Message, MessageBody, Snapshot } from '../../raft/types.ts';
import { callMethod, streamMethod } from '../../rpc/method.ts';
import { firstVersion } from '../command/command-set.ts';

const { v1 } = varve.meta;
const { RaftMessage } = v1;

const indexMax = 2 ** 52;
const membersMax = 64;
const entriesMax = 65_536;
const messagesMax = 1_024;
/** Of one entry: a leader sends appendBytesMax of them and one more at a time (raft-driver.ts). */
const dataBytesMax = 64 * MiB;
const snapshotBytesMax = 1_024 * MiB;

const term = count({ max: termMax });
const index = count({ max: indexMax });
const members = list(message(v1.Member, { id, address }), { max: membersMax });
const membership = message(v1.Voters, { voters: members, learners: members });

const entry = union<Entry>(v1.RaftEntry, {
  common: { index, term },
  variants: {
    command: [
      'command',
      mapped(bytes({ lengthBytesMax: dataBytesMax }), {
        to: ({ data }: { readonly data: Uint8Array }) => data,
        // The log keeps it: not as a view that keeps the whole message.
        from: (data) => ({ data: data.slice() }),
      }),
    ],
    membership: [
      'membership',
      mapped(membership, {
        to: (value: { readonly membership: Membership }) => value.membership,
        from: (value: Membership) => ({ membership: value }),
      }),
    ],
  },
  none: 'empty',
});

const append = mapped(
  message(RaftMessage.Append, {
    previousIndex: index,
    previousTerm: term,
    entries: list(entry, { max: entriesMax }),
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

const snapshot = mapped(
  message(RaftMessage.Snapshot, {
    index,
    term,
    membership,
    data: bytes({ lengthBytesMax: snapshotBytesMax }),
  }),
  {
    to: (value: BodyOf<'snapshot'>) => value.snapshot,
    from: (value: Snapshot) => ({ snapshot: { ...value, data: value.data.slice() } }),
  },
);

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
