import { expect, test } from 'vitest';
import { ldapSample } from './ldap-sample.ts';
import { parseLdapSettings } from './ldap-settings.ts';

const server = '[[servers]]\nhost = "h"\nsearch-base-dns = ["o=x"]\nsearch-filter = "(uid=%s)"\n';

test('ldap settings: the sample is one, with all that it says', () => {
  const { isEnabled, servers } = parseLdapSettings(ldapSample);
  expect([isEnabled, servers]).toMatchObject([
    true,
    [
      {
        host: 'ldap.example.com',
        port: 389,
        security: 'starttls',
        adminGroups: ['influx-admins'],
        groupAttribute: 'ou',
        memberAttribute: 'uniqueMember',
      },
    ],
  ]);
  expect(servers[0]?.mappings).toEqual([
    { group: 'app-developers', role: 'app-metrics-rw' },
    { group: 'web-support', role: 'web-traffic-ro' },
  ]);
});

test('ldap settings: security and port have their defaults, unknown keys are passed over', () => {
  const of = (more: string) => parseLdapSettings(`${server}${more}`).servers[0];
  expect(of('new = 1\n')).toMatchObject({ security: 'starttls', port: 389 });
  expect(of('security = "ldaps"\n')).toMatchObject({ security: 'ldaps', port: 636 });
  expect(of('security = "ldaps+insecure"\nport = 7\n')).toMatchObject({ port: 7 });
  expect(parseLdapSettings('')).toEqual({ isEnabled: false, servers: [] });
});

test.each([
  ['enabled = 1', 'enabled must be true or false'],
  ['enabled = true', 'there are no servers'],
  ['bind-password = "secret', 'line 1, column'],
  ['[[servers]]\nport = 1', 'host must be specified'],
  [`${server}port = 70000`, 'port must be a number'],
  [`${server}security = "tls"`, 'security = "tls" is none of none, starttls'],
  [`${server}bind-dn = "cn=r"`, 'bind-password must be specified'],
  [`${server}bind-dn = 1`, 'bind-dn must be a text'],
  [`${server}admin-groups = "a"`, 'admin-groups must be a list'],
  [server.replace('%s', 'a'), 'search-filter must contain %s'],
  [server.replace('(uid=%s)', '(uid=%s'), 'search-filter is no filter'],
  [server.replace('(uid=%s)', '(uid=%s)(uid=*)'), 'search-filter is no filter'],
  [server.replace('(uid=%s)', 'uid=%s'), 'search-filter is no filter'],
  [
    `${server}group-membership-search-filter = "(member=%s)"`,
    'group-search-base-dns must be specified',
  ],
  [`${server}[[servers.group-mappings]]\ngroup = "g"`, 'group and role of a mapping'],
  ['servers = 1', 'servers must be tables'],
  ['#'.repeat(70_000), 'longer than'],
  [server.repeat(17), 'more than 16 servers'],
])('ldap settings: %j is refused, and no password is in the text', (text, reason) => {
  expect(() => parseLdapSettings(text)).toThrow(reason);
  expect(() => parseLdapSettings(text)).not.toThrow('secret');
});
