import { expect, test } from 'vitest';
import { ldapSample } from './ldap-sample.ts';
import { checkHasPasswords, shownLdapConfig } from './shown-ldap-config.ts';

const server =
  'enabled = true\n[[servers]]\nhost = "h"\nsearch-base-dns = ["dc=x"]\nsearch-filter = "(uid=%s)"\nbind-dn = "cn=r"\n';

test.each([
  ['bind-password = "secret"', 'bind-password = "[REDACTED]"'],
  [String.raw`bind-password="se\"secret" # mine`, 'bind-password="[REDACTED]" # mine'],
  [`bind-password = 'secret'`, 'bind-password = "[REDACTED]"'],
  [`"bind-password" = '''\nsecret\nsecret'''`, '"bind-password" = "[REDACTED]"'],
  [`# bind-password = "secret"\nbind-password = """secret"""`, '# bind-password = "[REDACTED]"\nbind-password = "[REDACTED]"'],
])('shown LDAP configuration: %j has no password', (line, shown) => {
  expect(shownLdapConfig(`${server}${line}\n`)).toBe(`${server}${shown}\n`);
}); // prettier-ignore

test('shown LDAP configuration: one that might keep a password is not shown, nor is what was shown set', () => {
  expect(() => shownLdapConfig(`${server}"bind\\u002dpassword" = "secret"`)).toThrow('cannot be hidden'); // prettier-ignore
  expect(() => {
    checkHasPasswords(shownLdapConfig(`${server}bind-password = "secret"`));
  }).toThrow('bind-password is hidden: get-config -with-passwords');
  checkHasPasswords(ldapSample);
  expect(shownLdapConfig(ldapSample)).not.toContain('read-only-admin password');
});
