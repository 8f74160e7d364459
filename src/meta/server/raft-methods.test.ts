import { expect, test } from 'vitest';
import type { Message } from '../../raft/types.ts';
import type { PeerMessages } from './peer-sender.ts';
import { deliverMethod } from './raft-methods.ts';

const { request } = deliverMethod;
const head = { from: 1, to: 2, term: 9 };
const membership = { voters: [{ id: 1, address: 'm1:8089' }], learners: [{ id: 2, address: '[::1]:8089' }] }; // prettier-ignore

const messages: readonly Message[] = [
  { ...head, kind: 'vote', isPreVote: true, isTransfer: false, lastIndex: 7, lastTerm: 8 },
  { ...head, kind: 'vote-reply', isPreVote: false, granted: true },
  {
    ...head,
    kind: 'append',
    previousIndex: 0,
    previousTerm: 0,
    entries: [
      { index: 1, term: 1, kind: 'empty' },
      { index: 2, term: 1, kind: 'command', data: Uint8Array.of(1, 2, 3) },
      { index: 3, term: 9, kind: 'command', data: new Uint8Array(0) },
      { index: 4, term: 9, kind: 'membership', membership },
    ],
    commit: 2,
  },
  { ...head, kind: 'append-reply', index: 4, rejected: true, hintIndex: 3, hintTerm: 2 },
  { ...head, kind: 'heartbeat', commit: 0, round: 5 },
  { ...head, kind: 'heartbeat-reply', round: 5 },
  { ...head, kind: 'snapshot', snapshot: { index: 4, term: 9, membership, data: Uint8Array.of(7) } }, // prettier-ignore
  { ...head, kind: 'timeout-now' },
];

function sent(...some: readonly Message[]): PeerMessages {
  return { from: 'm1:8089', commandVersion: 1, messages: some };
}

test.each(messages.map((message) => [message.kind, message] as const))(
  'raft messages: %s comes back the same',
  (_kind, message) => {
    expect(request.decode(request.encode(sent(message)))).toEqual(sent(message));
  },
);

test('raft messages: bytes of the log are neither views of a message nor Buffers', () => {
  const bytes = Buffer.from(request.encode(sent(...messages)));
  const { messages: read } = request.decode(bytes);
  const entries = read.flatMap((one) => (one.kind === 'append' ? one.entries : []));
  const data = entries.flatMap((entry) => (entry.kind === 'command' ? [entry.data] : []));
  expect(data.length).toBeGreaterThan(0);
  for (const one of data) {
    expect(one.constructor).toBe(Uint8Array);
    expect(one.buffer.byteLength).toBe(one.length);
  }
});

const append = messages[2] as Extract<Message, { kind: 'append' }>;
const heartbeat = messages[4] as Extract<Message, { kind: 'heartbeat' }>;

test.each<[Message, string]>([
  [{ ...heartbeat, term: 2 ** 53 - 1 }, 'term is not within'],
  [{ ...heartbeat, term: 2 ** 49 }, 'term is not within'],
  [{ ...heartbeat, from: 0 }, 'from is not within'],
  [{ ...heartbeat, commit: 2 ** 53 - 1 }, 'commit is not within'],
  [{ ...append, entries: append.entries.slice(1) }, 'do not follow each other'],
  [{ ...append, entries: [...append.entries].reverse() }, 'do not follow each other'],
  [{ ...append, term: 8 }, 'a later term than its own'],
  [{ ...head, term: 3, kind: 'snapshot', snapshot: { index: 1, term: 4, membership, data: new Uint8Array(0) } }, 'a later term than its own'], // prettier-ignore
])('raft messages: %o is refused before the core sees it', (message, why) => {
  expect(() => request.decode(request.encode(sent(message)))).toThrow(why);
});

test('raft messages: what no double holds exactly is not even sent', () => {
  expect(() => request.encode(sent({ ...heartbeat, term: 1e300 }))).toThrow(RangeError);
});
