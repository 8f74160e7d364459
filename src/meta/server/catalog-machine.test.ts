import { expect, test } from 'vitest';
import { isMessageBlock } from '../../rpc/message.ts';
import { catalogVersion, emptyCatalog, firstCatalogVersion } from '../model/catalog.ts';
import { applyStep, newsOfWhole } from '../apply/catalog-changes.ts';
import { decodeCatalog, type CatalogForm } from '../codec/catalog-codec.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import { metaMessage } from '../codec/meta-message.ts';
import type { Command } from '../command/command.ts';
import { commandSet, protobufVersion } from '../command/command-set.ts';
import { CatalogMachine } from './catalog-machine.ts';
import { KnownCommands } from './known-commands.ts';

function create(machine: CatalogMachine, index: number, form: CatalogForm): void {
  const command = { kind: 'create-database', name: `d${index}` } as const;
  const data = encodeLogged({ id: `${index}`, command }, form);
  machine.apply({ kind: 'command', index, term: 1, data });
}

test('catalog machine: snapshots are of the form of the newest command that the log has seen', () => {
  const machine = new CatalogMachine();
  create(machine, 1, 'json');
  expect(isMessageBlock(machine.capture()())).toBe(true);
  create(machine, 2, 'protobuf');
  create(machine, 3, 'json');
  const data = machine.capture()();
  expect(isMessageBlock(data)).toBe(false);
  const other = new CatalogMachine();
  other.restore({ index: 3, term: 1, membership: { voters: [], learners: [] }, data });
  expect(other.catalog).toEqual(machine.catalog);
  expect(isMessageBlock(other.capture()())).toBe(false);
});

test('catalog machine: a watcher that reads JSON only is sent nothing else, and gets the same catalog', () => {
  const machine = new CatalogMachine();
  create(machine, 1, 'json');
  create(machine, 2, 'protobuf');
  const inSteps = machine.updateSince(0, 'json');
  if (!('step' in inSteps)) throw new Error('it is a whole');
  expect(inSteps.step.changes.every(({ command }) => isMessageBlock(command))).toBe(true);
  const restored = new CatalogMachine();
  restored.restore({
    index: 2,
    term: 1,
    membership: { voters: [], learners: [] },
    data: machine.capture()(),
  });
  const whole = restored.updateSince(0, 'json');
  if (!('catalog' in whole)) throw new Error('it is a step');
  expect(isMessageBlock(whole.catalog)).toBe(true);
  const anew = restored.updateSince(0, 'protobuf');
  expect('catalog' in anew && isMessageBlock(anew.catalog)).toBe(false);
  const copy = newsOfWhole(emptyCatalog, decodeCatalog(whole.catalog)).after;
  expect(copy).toEqual({ ...applyStep(emptyCatalog, inSteps.step).after });
});

test('catalog machine: a snapshot that an earlier release would take only a part of is none that it reads; data nodes of it are sent the catalog', () => {
  const versionOf = (bytes: Uint8Array) => metaMessage.decode(bytes).version;
  const apply = (index: number, command: Command): void => {
    machine.apply({ kind: 'command', index, term: 1, data: encodeLogged({ id: `${index}`, command }, 'protobuf') }); // prettier-ignore
  };
  const machine = new CatalogMachine();
  create(machine, 1, 'protobuf');
  expect(versionOf(machine.capture()())).toBe(firstCatalogVersion);
  apply(2, { kind: 'set-ldap-config', text: 'enabled = false' });
  const data = machine.capture()();
  expect(versionOf(data)).toBe(catalogVersion);
  const restored = new CatalogMachine();
  restored.restore({ index: 2, term: 1, membership: { voters: [], learners: [] }, data });
  expect(restored.catalog).toEqual(machine.catalog);
  const whole = restored.updateSince(0, 'protobuf');
  if (!('catalog' in whole)) throw new Error('it is a step');
  expect(versionOf(whole.catalog)).toBe(firstCatalogVersion);
  apply(3, { kind: 'set-ldap-config', text: '' });
  expect(versionOf(machine.capture()())).toBe(firstCatalogVersion);
});

test('known commands: one member that is behind, or not heard of, is enough', () => {
  const known = new KnownCommands(commandSet, 1, { silentTicksMax: 30 });
  const member = (id: number) => ({ id, address: `m${id}:8089` });
  const three = { voters: [member(1), member(2)], learners: [member(3)] };
  expect(known.areAll(protobufVersion, three)).toBe(false);
  known.note(2, protobufVersion);
  known.note(3, protobufVersion - 1);
  expect(known.areAll(protobufVersion, three)).toBe(false);
  known.note(3, protobufVersion + 1);
  expect(known.areAll(protobufVersion, three)).toBe(true);
});
