import { expect, test } from 'vitest';
import { commandSet } from '../command/command-set.ts';
import type { Command } from '../command/command.ts';
import { KnownCommands } from './known-commands.ts';
import { proposalOf } from './proposal.ts';
import { entryDataBytesMax } from './raft-fields.ts';

const membership = { voters: [{ id: 1, address: 'm1:8089' }], learners: [] };
const known = new KnownCommands(commandSet, 1);
const driver = {
  commandForm: 'protobuf' as const,
  checkKnown: (kind: Command['kind']) => {
    known.check(kind, membership);
  },
};

const proposed = (command: Command) => proposalOf({ id: 'x', command }, driver);

test('proposal: a command that followers would refuse as too large does not get into the log', () => {
  const ofLength = (length: number) =>
    proposed({ kind: 'create-continuous-query', database: 'd', name: 'q', text: 'x'.repeat(length) }); // prettier-ignore
  expect(ofLength(1_000)).toMatchObject({ kind: 'entry' });
  expect(ofLength(entryDataBytesMax)).toMatchObject({ kind: 'refused', answer: { ok: false, code: 'too_large' } }); // prettier-ignore
});

test('proposal: what is no command is refused with its reason', () => {
  const odd = { kind: 'create-database' } as unknown as Command;
  expect(proposed(odd)).toMatchObject({ kind: 'refused', answer: { code: 'invalid_argument' } });
});
