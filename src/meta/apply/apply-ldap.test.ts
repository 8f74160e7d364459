import { expect, test } from 'vitest';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import { emptyCatalog } from '../model/catalog.ts';
import { applyCommand } from './apply.ts';

test('ldap: a configuration is of the catalog and its bytes, and none leaves them as they were', () => {
  const at = (index: number, text: string, before = emptyCatalog) =>
    applyCommand(before, index, { id: `${index}`, command: { kind: 'set-ldap-config', text } });
  const set = at(1, 'enabled = false # é').catalog;
  expect(set.ldap).toBe('enabled = false # é');
  expect(decodeCatalog(encodeCatalog(set)).ldap).toBe(set.ldap);
  const none = at(2, '', set).catalog;
  expect(Object.keys(none)).toEqual(Object.keys(emptyCatalog));
  expect(at(3, 'x'.repeat(70_000), set).answer).toMatchObject({
    ok: false,
    code: 'limit_exceeded',
  });
});
