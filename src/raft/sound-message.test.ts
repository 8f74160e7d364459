import { expect, test } from 'vitest';
import { isSound, termMax } from './sound-message.ts';
import type { Message } from './types.ts';

const from = { from: 1, to: 2, term: 7 };
const entry = { kind: 'command', index: 5, term: 3, data: new Uint8Array() } as const;
const snapshot = { index: 4, term: 3, membership: { voters: [], learners: [] }, data: new Uint8Array() }; // prettier-ignore
const messages: readonly Message[] = [
  { ...from, kind: 'vote', isPreVote: true, isTransfer: false, lastIndex: 4, lastTerm: 3 },
  { ...from, kind: 'vote-reply', isPreVote: true, granted: true },
  { ...from, kind: 'append', previousIndex: 4, previousTerm: 3, entries: [entry, { ...entry, index: 6 }], commit: 4 }, // prettier-ignore
  { ...from, kind: 'append-reply', index: 4, rejected: true, hintIndex: 3, hintTerm: 2 },
  { ...from, kind: 'heartbeat', commit: 4, round: 9 },
  { ...from, kind: 'heartbeat-reply', round: 9 },
  { ...from, kind: 'snapshot', snapshot },
  { ...from, kind: 'timeout-now' },
];
const wrong = [-1, 0.5, Number.NaN, 1e300, '7', undefined, null];

function unsound(message: object): boolean {
  return !isSound(message as unknown as Message);
}

test('sound messages: each number of each kind is a count', () => {
  for (const message of messages) {
    expect([message.kind, isSound(message)]).toEqual([message.kind, true]);
    for (const [name, known] of Object.entries(message))
      if (typeof known === 'number')
        for (const value of wrong)
          expect([message.kind, name, value, unsound({ ...message, [name]: value })]).toEqual([message.kind, name, value, true]); // prettier-ignore
  }
});

test('sound messages: no term is beyond what elections ever reach, nor is that of an entry or a snapshot', () => {
  const [vote] = messages;
  expect([unsound({ ...vote, term: termMax }), unsound({ ...vote, term: termMax + 1 })]).toEqual([false, true]); // prettier-ignore
  const append = { ...from, kind: 'append', previousIndex: 4, previousTerm: 3, commit: 4 };
  for (const value of [...wrong, termMax + 1]) {
    expect(unsound({ ...append, entries: [{ ...entry, term: value }] })).toBe(true);
    expect(unsound({ ...from, kind: 'snapshot', snapshot: { ...snapshot, term: value } })).toBe(true); // prettier-ignore
  }
  for (const value of wrong)
    expect(unsound({ ...from, kind: 'snapshot', snapshot: { ...snapshot, index: value } })).toBe(true); // prettier-ignore
});

test('sound messages: entries follow each other, and what is before them', () => {
  const append = (...indexes: readonly unknown[]) => ({ ...from, kind: 'append', previousIndex: 4, previousTerm: 3, commit: 4, entries: indexes.map((index) => ({ ...entry, index })) }); // prettier-ignore
  expect([append(), append(5), append(5, 6, 7)].map(unsound)).toEqual([false, false, false]);
  expect([append(4), append(6), append(5, 7), append(5, 5), append('5')].map(unsound)).toEqual([true, true, true, true, true]); // prettier-ignore
  expect(unsound({ ...append(), entries: 'x' })).toBe(true);
  expect(unsound({ ...from, kind: 'constructor' })).toBe(true);
});
