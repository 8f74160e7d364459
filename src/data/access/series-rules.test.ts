import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { regexCache } from '../../influxql/regex.ts';
import type { Acl, AclGrant, AclRule, TagMatch, TextMatch } from '../../meta/model/acl.ts';
import { seriesKey } from '../../models/series-key.ts';
import { specialize } from '../../query/predicate.ts';
import { allowedOf, isAllowed, rulesOf, type SeriesRules } from './series-rules.ts';

const exact = (value: string): TextMatch => ({ match: 'exact', value });
const prefix = (value: string): TextMatch => ({ match: 'prefix', value });
const tag = (key: string, match: TextMatch): TagMatch => ({ key, ...match });
const readAndWrite = ['read', 'write'] as const;

function rule(part: Partial<AclRule> = {}): AclRule {
  return { id: '0', database: exact('d'), tags: [], permissions: readAndWrite, ...part };
}

function grant(part: Partial<AclGrant> = {}): AclGrant {
  return { ...rule(part), users: ['u'], roles: [], ...part };
}

const user = { name: 'u', isAdmin: false, roles: ['r'] };
const reading = { permission: 'read', database: 'd' } as const;

/** Whether it is allowed, by its key and by the predicate of its measurement, which must say the same. */
function says(
  rules: SeriesRules,
  measurement: string,
  tags: Readonly<Record<string, string>>,
): boolean {
  // prettier-ignore
  const pairs = Object.entries(tags).map(([key, value]) => ({ key, value }));
  const isOwn = isAllowed(rules, seriesKey(measurement, pairs));
  const allowed = allowedOf(rules, measurement);
  const tagsOf = new Map(Object.entries(tags));
  const byPredicate = typeof allowed === 'string' ? allowed === 'all' : specialize(allowed, tagsOf, regexCache()) === undefined; // prettier-ignore
  expect({ measurement, tags, byPredicate }).toEqual({ measurement, tags, byPredicate: isOwn });
  return isOwn;
}

test('series rules: whoever is not restricted is bound to nothing', () => {
  const acl: Acl = { restrictions: [rule({ permissions: ['write'] })], grants: [] };
  expect(rulesOf(undefined, user, reading)).toBeUndefined();
  expect(rulesOf(acl, user, reading)).toBeUndefined();
  expect(rulesOf(acl, { ...user, isAdmin: true }, { ...reading, permission: 'write' })).toBeUndefined(); // prettier-ignore
  expect(rulesOf(acl, user, { permission: 'write', database: 'd2' })).toBeUndefined();
  expect(rulesOf(acl, user, { permission: 'write', database: 'd' })).toEqual({ restrictions: acl.restrictions, grants: [] }); // prettier-ignore
  const all = rule({ database: prefix('') });
  expect(rulesOf({ restrictions: [all], grants: [] }, user, reading)).toEqual({ restrictions: [all], grants: [] }); // prettier-ignore
});

test('series rules: a grant counts for its users, and for those of its roles', () => {
  const restrictions = [rule()];
  const of = (given: Partial<AclGrant>) => rulesOf({ restrictions, grants: [grant(given)] }, user, reading); // prettier-ignore
  expect(of({})).toBeUndefined();
  expect(of({ users: [], roles: ['r'] })).toBeUndefined();
  expect(of({ measurement: prefix('') })).toBeUndefined();
  for (const other of [
    { users: ['v'] },
    { users: [], roles: ['s'] },
    { permissions: ['write'] as const },
    { database: exact('d2') },
  ])
    // prettier-ignore
    expect(of(other)).toEqual({ restrictions, grants: [] });
});

test('series rules: the reference’s example of two regions', () => {
  const network = { measurement: exact('network') };
  const [east, west] = ['east', 'west'].map((value) => [tag('dc', exact(value))]);
  const restrictions = [rule({ ...network, tags: east ?? [] }), rule({ ...network, tags: west ?? [] })]; // prettier-ignore
  const rules = { restrictions, grants: [rule({ tags: east ?? [] })] };
  expect(says(rules, 'network', { dc: 'east' })).toBe(true);
  expect(says(rules, 'network', { dc: 'east', rack: '1' })).toBe(true);
  expect(says(rules, 'network', { dc: 'west' })).toBe(false);
  expect(says(rules, 'network', { dc: 'north' })).toBe(true);
  expect(says(rules, 'network', {})).toBe(true);
  expect(says(rules, 'networks', { dc: 'west' })).toBe(true);
  const whole = { restrictions: [rule()], grants: [rule({ ...network, tags: east ?? [] })] };
  expect(says(whole, 'network', { dc: 'east' })).toBe(true);
  expect(says(whole, 'network', {})).toBe(false);
  expect(says(whole, 'cpu', { dc: 'east' })).toBe(false);
  expect(allowedOf(whole, 'cpu')).toBe('none');
});

test('series rules: of several tags all have to match, and a prefix is no pattern', () => {
  const rules = { restrictions: [rule({ tags: [tag('a', prefix('.*')), tag('b', prefix(''))] })], grants: [] }; // prettier-ignore
  expect(says(rules, 'm', { a: '.*x', b: 'y' })).toBe(false);
  expect(says(rules, 'm', { a: 'x', b: 'y' })).toBe(true);
  expect(says(rules, 'm', { a: '.*x' })).toBe(true);
});

test('series rules: a pattern that would backtrack elsewhere, and a thousand rules, are decided at once', () => {
  const tags = [tag('a', prefix('(a+)+$('))];
  const restrictions = Array.from({ length: 1_000 }, (_, at) => rule({ tags: [tag('a', exact(`${at}`))] })); // prettier-ignore
  const rules = { restrictions: [...restrictions, rule({ tags })], grants: [rule({ tags: [tag('b', exact('1'))] })] }; // prettier-ignore
  const long = 'a'.repeat(60_000);
  expect(says(rules, 'm', { a: long })).toBe(true);
  expect(says(rules, 'm', { a: `(a+)+$(${long}` })).toBe(false);
  expect(says(rules, 'm', { a: '999' })).toBe(false);
  expect(says(rules, 'm', { a: '999', b: '1' })).toBe(true);
});

test('series rules: keys and predicates say the same of any rules and series', () => {
  const words = fc.constantFrom('', 'a', 'ab', 'b', 'a,b', '^a', 'a$', 'é\n', 'a b=');
  const text = fc.record({ match: fc.constantFrom('exact', 'prefix'), value: words }).filter(({ match, value }) => match === 'prefix' || value !== ''); // prettier-ignore
  const names = fc.constantFrom('a', 'b', 'c');
  const tags = fc.array(fc.tuple(names, text).map(([key, match]) => tag(key, match)), { maxLength: 3 }); // prettier-ignore
  const rules = fc.array(fc.record({ measurement: fc.option(text, { nil: undefined }), tags }).map(rule), { maxLength: 4 }); // prettier-ignore
  const values = fc.dictionary(names, words.filter((word) => word !== ''), { maxKeys: 3 }); // prettier-ignore
  fc.assert(
    fc.property(
      rules,
      rules,
      fc.constantFrom('a', 'ab', 'b'),
      values,
      (restrictions, grants, name, series) => {
        // prettier-ignore
        says({ restrictions, grants }, name, series);
      },
    ),
    { seed: 116, numRuns: 2_000 },
  );
});
