import { expect, test } from 'vitest';
import { openUserApi } from '../../../test/support/user-api.ts';
import { addLdapRoutes } from './ldap-routes.ts';

const config = 'enabled = true\n[[servers]]\nhost = "h"\nsearch-base-dns = ["o=x"]\nsearch-filter = "(uid=%s)"\n'; // prettier-ignore
const form = (text: string) => new URLSearchParams({ config: text }).toString();

function open(allowsLdap: boolean, leader = '') {
  return openUserApi((api, meta) => {
    addLdapRoutes(api, { ...meta, options: { ...meta.options, allowsLdap } });
  }, leader);
}

test('ldap routes: a configuration is set, told and taken away', async () => {
  const api = open(true);
  expect(await api.get('/ldap/config')).toBe('404 {"error":"no LDAP configuration is set"}');
  expect(await api.ask('POST', '/ldap/config', undefined)).toMatchObject([200, { enabled: false }]);
  expect(api.catalog().ldap).toBeUndefined();
  expect(await api.post('/ldap/config', form(config))).toBe('200 undefined');
  expect(await api.get('/ldap/config')).toEqual({ config });
  expect(api.catalog().ldap).toBe(config);
  expect(await api.post('/ldap/config', form(''))).toBe('200 undefined');
  expect(api.catalog().ldap).toBeUndefined();
});

test('ldap routes: what is wrong is not set, nor what ldap-allowed does not allow, but it may be taken back', async () => {
  const api = open(false);
  expect(await api.post('/ldap/config', form('enabled = 1'))).toBe('400 ldap config: enabled must be true or false'); // prettier-ignore
  expect(await api.post('/ldap/config', form(config))).toBe('400 LDAP is not allowed: set [meta] ldap-allowed = true on all meta nodes'); // prettier-ignore
  await api.execute({ kind: 'set-ldap-config', text: config });
  expect(await api.post('/ldap/config', form(config.replace('true', 'false')))).toBe('200 undefined'); // prettier-ignore
  expect(api.catalog().ldap).toContain('enabled = false');
});

test('ldap routes: a node that does not lead sends to the one that does', async () => {
  const api = open(true, 'leader:8091');
  expect(await api.post('/ldap/config', form(config))).toContain('307');
});
