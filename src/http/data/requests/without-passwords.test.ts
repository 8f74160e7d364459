import { expect, test } from 'vitest';
import { withoutPasswords } from './without-passwords.ts';

test.each([
  [`SET PASSWORD FOR a='secret'`, 'SET PASSWORD FOR a=[REDACTED]'],
  [`SET/**/PASSWORD/**/FOR/**/a/**/=/**/'secret'`, 'SET/**/PASSWORD/**/FOR/**/a/**/=/**/[REDACTED]'],
  [`set password for "a=b" = 'secret\\'secret' ;SHOW USERS`, 'set password for "a=b" = [REDACTED] ;SHOW USERS'],
  [`create user a with password'secret'WITH ALL PRIVILEGES`, 'create user a with password[REDACTED] ALL PRIVILEGES'],
  [`CREATE USER a WITH -- x\n PASSWORD 'secret' WITH ALL PRIVILEGES`, 'CREATE USER a WITH -- x\n PASSWORD [REDACTED] WITH ALL PRIVILEGES'],
  [`CREATE USER a /* WITH PASSWORD 'secret' */ WITH PASSWORD 'secret'`, 'CREATE USER a /*[REDACTED]*/ WITH PASSWORD [REDACTED]'],
  [`create user a with password 'secret`, 'create user a with password [REDACTED]'],
  [`create user a with password secret,secret; SHOW USERS`, 'create user a with password [REDACTED]; SHOW USERS'],
  [`SET PASSWORD FOR a 'secret'`, 'SET PASSWORD FOR a [REDACTED]'],
  [`SET PASSWORD FOR 'a=b' = 'secret'`, 'SET PASSWORD FOR [REDACTED] = [REDACTED]'],
  [`EXPLAIN SET PASSWORD FOR a = "secret"`, 'EXPLAIN SET PASSWORD FOR a = [REDACTED]'],
  [`CREATE SUBSCRIPTION s ON d.r DESTINATIONS ALL 'http://a:secret@b', 'http://c?p=secret'`, `CREATE SUBSCRIPTION s ON d.r DESTINATIONS ALL 'http://a:[REDACTED]@b', 'http://c?p=[REDACTED]'`],
  [`SELECT 'it--s' FROM a; SET PASSWORD FOR a='secret'`, `SELECT 'it--s' FROM a; SET PASSWORD FOR a=[REDACTED]`],
])('without passwords: %s', (statements, shown) => {
  expect(withoutPasswords(statements)).toBe(shown);
}); // prettier-ignore

test('without passwords: a field of that name is shown', () => {
  for (const text of [`SELECT password FROM m WHERE password = 'x'`, 'SELECT "password", b FROM m'])
    expect(withoutPasswords(text)).toBe(text);
});

test('without passwords: the time is of the length of a text, and what is too long for it is hidden', () => {
  for (const part of [
    'password for ',
    `with password '`,
    '/*password',
    'with password ',
    `password'\\`,
  ]) {
    const text = part.repeat(20_000);
    expect(withoutPasswords(text.slice(0, 200_000)).length).toBeLessThan(300_000);
    expect(withoutPasswords(text.padEnd(1 << 19))).toBe('[REDACTED]');
  }
});
