import { expect, test } from 'vitest';
import { commandSet } from '../command/command-set.ts';
import type { Command } from '../command/command.ts';
import { KnownCommands } from './known-commands.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import { proposalOf } from './proposal.ts';
import { entryDataBytesMax } from './raft-fields.ts';

const membership = { voters: [{ id: 1, address: 'm1:8089' }], learners: [] };
const known = new KnownCommands(commandSet, 1, { silentTicksMax: 30 });
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

test('retention-autocreate off at a meta node: databases that name no policy get none, the others theirs', () => {
  const data = (command: Command) => encodeLogged({ id: 'x', command }, driver.commandForm);
  const off = (command: Command) => proposalOf({ id: 'x', command }, driver, { makesBareDatabases: true }); // prettier-ignore
  const plain = { kind: 'create-database', name: 'd' } as const;
  expect(off(plain)).toEqual({ kind: 'entry', data: data({ kind: 'create-bare-database', name: 'd' }) }); // prettier-ignore
  const named = { ...plain, policy: { durationNs: 3_600_000_000_000n } };
  expect(off(named)).toEqual({ kind: 'entry', data: data(named) });
  expect(proposed(plain)).toEqual({ kind: 'entry', data: data(plain) });
});
