import { expect, test } from 'vitest';
import { applyCommand } from './apply.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';

function applied(commands: readonly Command[]): Catalog {
  return commands.reduce<Catalog>((catalog, command, i) => {
    const { catalog: changed, answer } = applyCommand(catalog, i + 1, { id: `${i}`, command });
    expect(answer).toMatchObject({ ok: true });
    return { ...changed, answered: [] };
  }, emptyCatalog);
}

test('catalog: as many policies of a database as were accepted are read', () => {
  const names = Array.from({ length: 10_001 }, (_, i) => `p${i}`);
  const made = applied([{ kind: 'create-database', name: 'd', policy: { name: names[0] } }]);
  const [first] = made.databases.get('d')?.retentionPolicies ?? [];
  if (first === undefined) throw new Error('no policy');
  // One command more for each would be the same, and take long.
  const policies = names.map((name) => ({ ...first, name }));
  const full = { ...made, databases: made.databases.with({ name: 'd', defaultRetentionPolicy: 'p0', retentionPolicies: policies.slice(1) }) }; // prettier-ignore
  const command = { kind: 'create-retention-policy', database: 'd', policy: { name: 'p0' }, isDefault: false } as const; // prettier-ignore
  const { catalog, answer } = applyCommand(full, 2, { id: 'more', command });
  expect(answer).toMatchObject({ ok: true });
  const read = decodeCatalog(encodeCatalog(catalog));
  expect(read.databases.get('d')?.retentionPolicies).toHaveLength(names.length);
});

test('catalog: as many roles, with as many users, as were brought are read', () => {
  const users = Array.from({ length: 10_001 }, (_, i) => `u${i}`);
  const role = { permissions: [], users };
  const roles = users.map((name) => ({ ...role, name, users: name === 'u0' ? users : [] }));
  const read = decodeCatalog(encodeCatalog({ ...emptyCatalog, roles }));
  expect(read.roles).toEqual(roles);
});
