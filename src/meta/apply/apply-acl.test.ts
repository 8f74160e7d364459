import { expect, test } from 'vitest';
import type { Command } from '../command/command.ts';
import { noAcl, type AclGrant } from '../model/acl.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { applyCommand } from './apply.ts';
import { mergedAcl } from './apply-acl.ts';

const idOf = (id: number): string => id.toString(16).padStart(16, '0');

function ruleOf(id: number, more: Partial<AclGrant> = {}): AclGrant {
  const database = { match: 'exact', value: 'db' } as const;
  return {
    id: idOf(id),
    database,
    tags: [],
    permissions: ['read'],
    users: [],
    roles: [],
    ...more,
  };
}

/** With users `u` and `v`, and role `r`. */
class Metas {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  constructor() {
    for (const name of ['u', 'v']) this.do({ kind: 'create-user', name, hash: '', isAdmin: false });
    this.do({ kind: 'create-role', name: 'r', permissions: [], users: [] });
  }

  /** What is refused, or ''. */
  do(command: Command): string {
    const applied = applyCommand(this.catalog, ++this.#index, {
      id: `${this.#index}`,
      command,
    });
    this.catalog = { ...applied.catalog, answered: [] };
    return applied.answer.ok ? '' : applied.answer.text;
  }

  create(of: 'restriction' | 'grant', rule: AclGrant): string {
    return this.do({ kind: 'create-acl-rule', of, rule });
  }

  drop(of: 'restriction' | 'grant', id: number): string {
    return this.do({ kind: 'drop-acl-rule', of, ruleId: idOf(id) });
  }

  get ids(): readonly (readonly number[])[] {
    const { restrictions, grants } = this.catalog.acl ?? noAcl;
    return [restrictions, grants].map((all) => all.map(({ id }) => parseInt(id, 16)));
  }
}

test('rules: restrictions and grants come and go, each id once', () => {
  const metas = new Metas();
  expect(metas.create('restriction', ruleOf(1, { users: ['u'] }))).toBe('');
  expect(metas.create('grant', ruleOf(2, { users: ['u'], roles: ['r'] }))).toBe('');
  expect(metas.catalog.acl).toEqual({
    // Whom it is for says a grant alone.
    restrictions: [{ id: idOf(1), database: { match: 'exact', value: 'db' }, tags: [], permissions: ['read'] }], // prettier-ignore
    grants: [ruleOf(2, { users: ['u'], roles: ['r'] })],
  });
  for (const of of ['restriction', 'grant'] as const)
    for (const id of [1, 2]) expect(metas.create(of, ruleOf(id))).toBe(`a rule has the id ${idOf(id)}`); // prettier-ignore
  expect(metas.drop('grant', 1)).toBe(`grant not found: ${idOf(1)}`);
  expect(metas.drop('restriction', 2)).toBe(`restriction not found: ${idOf(2)}`);
  expect(metas.ids).toEqual([[1], [2]]);
  expect([metas.drop('restriction', 1), metas.ids]).toEqual(['', [[], [2]]]);
  expect([metas.drop('grant', 2), metas.ids]).toEqual(['', [[], []]]);
});

test('rules: a grant is of users and roles that are there, and goes with the last of them', () => {
  const metas = new Metas();
  expect(metas.create('grant', ruleOf(1, { users: ['u', 'x'] }))).toBe('user not found');
  expect(metas.create('grant', ruleOf(1, { roles: ['x'] }))).toBe('role not found');
  metas.create('grant', ruleOf(1, { users: ['u'] }));
  metas.create('grant', ruleOf(2, { users: ['u', 'v'] }));
  metas.create('grant', ruleOf(3, { users: ['u'], roles: ['r'] }));
  metas.do({ kind: 'drop-user', name: 'u' });
  expect(metas.catalog.acl?.grants.map(({ id, users, roles }) => [parseInt(id, 16), users, roles])).toEqual([[2, ['v'], []], [3, [], ['r']]]); // prettier-ignore
  metas.do({ kind: 'drop-role', name: 'r' });
  expect(metas.ids).toEqual([[], [2]]);
});

test('rules: what says nothing, or too much, is refused', () => {
  const metas = new Metas();
  const text = 'x'.repeat(1_024);
  const tag = { match: 'exact', key: 'k', value: 'v' } as const;
  const tags = (count: number) => Array.from({ length: count }, () => tag);
  const refused: readonly (readonly [Partial<AclGrant>, string])[] = [
    [{ id: 'no id' }, 'the id of a rule has 16 hexadecimal digits'],
    [{ database: { match: 'exact', value: '' } }, 'database: value required'],
    [{ database: { match: 'prefix', value: `${text}x` } }, 'database: value too long'],
    [{ measurement: { match: 'exact', value: '' } }, 'measurement: value required'],
    [{ tags: tags(17) }, 'more than 16 tags'],
    [{ tags: [{ ...tag, key: '' }] }, 'tag key required'],
    [{ tags: [{ ...tag, key: `${text}x` }] }, 'tag key required'],
    [{ tags: [tag, { ...tag, value: '' }] }, 'tag k: value required'],
    [{ permissions: [] }, 'permissions required: "read", "write" or both'],
    [{ permissions: ['read', 'read'] }, 'permissions required: "read", "write" or both'],
    [{ users: Array<string>(600).fill('u'), roles: Array<string>(401).fill('r') }, 'more than 1000 users and roles'], // prettier-ignore
  ];
  for (const [part, why] of refused) expect(metas.create('grant', ruleOf(1, part))).toBe(why);
  expect(metas.ids).toEqual([[], []]);
  const most: Partial<AclGrant> = {
    database: { match: 'prefix', value: '' },
    measurement: { match: 'prefix', value: text },
    tags: tags(15).concat({ ...tag, key: text } as typeof tag),
    permissions: ['write', 'read'],
    users: Array<string>(1_000).fill('u'),
  };
  expect(metas.create('grant', ruleOf(1, most))).toBe('');
});

test('rules: there are a thousand restrictions at most, and as many grants', () => {
  const metas = new Metas();
  const many = (count: number, from: number) => Array.from({ length: count }, (_, i) => ruleOf(from + i, { users: ['u'] })); // prettier-ignore
  const acl = { restrictions: many(999, 1), grants: many(999, 5_000) };
  metas.catalog = { ...metas.catalog, acl };
  expect([metas.create('restriction', ruleOf(2_000)), metas.create('grant', ruleOf(2_001, { users: ['u'] }))]).toEqual(['', '']); // prettier-ignore
  expect(metas.create('restriction', ruleOf(2_002))).toBe('more than 1000 restrictions');
  expect(metas.create('grant', ruleOf(2_003))).toBe('more than 1000 grants');
  const more = (count: number) => () => mergedAcl(acl, { restrictions: many(count, 9_000), grants: [] }, {}); // prettier-ignore
  expect(more(1)().restrictions).toHaveLength(1_000);
  expect(more(2)).toThrow('more than 1000 restrictions or grants');
});

test('rules: of a backup those come that are not here, each once, for users and roles that are here', () => {
  const here = {
    restrictions: [ruleOf(1)],
    grants: [ruleOf(2, { users: ['u'] })],
  };
  const given = {
    restrictions: [ruleOf(1, { permissions: ['write'] }), ruleOf(3), ruleOf(3), ruleOf(2)],
    grants: [
      ruleOf(4, { users: ['u', 'gone'], roles: ['gone'] }),
      ruleOf(5, { users: ['gone'] }),
      ruleOf(6, { users: ['gone'], roles: ['r'] }),
      ruleOf(1, { users: ['u'] }),
    ],
  };
  const { catalog } = new Metas();
  const { restrictions, grants } = mergedAcl(here, given, catalog);
  expect(restrictions).toEqual([ruleOf(1), ruleOf(3)]);
  expect(grants).toEqual([ruleOf(2, { users: ['u'] }), ruleOf(4, { users: ['u'] }), ruleOf(6, { roles: ['r'] })]); // prettier-ignore
  expect(() => mergedAcl(here, { restrictions: [ruleOf(7, { permissions: [] })], grants: [] }, catalog)).toThrow('permissions required'); // prettier-ignore
});
