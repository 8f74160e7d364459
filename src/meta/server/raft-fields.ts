/** What is in Raft's messages and in what it keeps on disk alike (src/proto/meta.proto), and what that may be. */
import { MiB } from '../../base/units.ts';
import { address, bytes, count, id, list, mapped } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message, union, type Message } from '../../proto/message.ts';
import { termMax } from '../../raft/sound-message.ts';
import type { Entry, Membership, Snapshot } from '../../raft/types.ts';

const { v1 } = varve.meta;

const indexMax = 2 ** 52;
const membersMax = 64;
/** Of one entry: a leader sends appendBytesMax of them and one more at a time (raft-driver.ts). */
export const entryDataBytesMax = 64 * MiB;
export const snapshotBytesMax = 1_024 * MiB;

export const term = count({ max: termMax });
export const index = count({ max: indexMax });
const members = list(message(v1.Member, { id, address }), { max: membersMax });
const membership = message(v1.Voters, { voters: members, learners: members });

/** The log keeps what it has read: not as a view that keeps the whole message. */
export const entryMessage = union<Entry>(v1.RaftEntry, {
  common: { index, term },
  variants: {
    command: [
      'command',
      mapped(bytes({ lengthBytesMax: entryDataBytesMax }), {
        to: ({ data }: { readonly data: Uint8Array }) => data,
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

export const snapshotMessage = message(v1.RaftMessage.Snapshot, {
  index,
  term,
  membership,
  data: mapped(bytes({ lengthBytesMax: snapshotBytesMax }), {
    to: (data: Uint8Array) => data,
    from: (data) => data.slice(),
  }),
}) satisfies Message<Snapshot>;
