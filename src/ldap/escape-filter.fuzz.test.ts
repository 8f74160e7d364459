import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdapServer } from '../../test/support/ldap-server.ts';
import { NodeDirectory } from '../env/node/directory/node-directory.ts';
import { escapeFilterValue, fillFilter } from './escape-filter.ts';

const bindDn = 'cn=reader';
const security = 'none' as const;
/** What filters are made of. */
const parts = [
  '*',
  '(',
  ')',
  '\\',
  '\0',
  '&',
  '|',
  '!',
  '=',
  '~',
  '<',
  '>',
  ' ',
  'uid',
  'a',
  'é',
  '\\2a',
  '%s',
  '*)(uid=*',
  '\u{1F600}',
  '"',
  ',',
];
const names = fc.oneof(
  fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 12 }).map((some) => some.join('')),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
);
let server: LdapServer;

beforeAll(async () => {
  server = await LdapServer.open([
    { dn: bindDn, attributes: {}, password: 'p' },
    { dn: 'uid=a,o=x', attributes: { uid: ['a'], cn: ['A'] } },
    { dn: 'uid=b,o=x', attributes: { uid: ['b'], cn: ['A'] } },
  ]);
});
afterAll(() => {
  server.close();
});

test('filters: special characters of RFC 4515 are escaped, all others stay', () => {
  expect(escapeFilterValue('*)(uid=*')).toBe('\\2a\\29\\28uid=\\2a');
  expect(escapeFilterValue('a\\b\0é')).toBe('a\\5cb\\00é');
  expect(fillFilter('(|(uid=%s)(mail=%s))', '$&*')).toBe('(|(uid=$&\\2a)(mail=$&\\2a))');
  expect(fillFilter('(uid=%%s)', '%s')).toBe('(uid=%s)');
});

test('filters: whatever a name holds, the server is asked for that one value, and no other user is found', async () => {
  const session = await new NodeDirectory().connect(
    { host: '127.0.0.1', port: server.port, security, certificatePath: '', keyPath: '' },
    60_000,
  );
  expect(await session.bind(bindDn, 'p')).toBe(true);
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      server.asked.length = 0;
      const found = await session.search('o=x', {
        filter: fillFilter('(&(uid=%s)(cn=A))', name),
        attribute: undefined,
        entriesMax: 9,
      });
      expect(server.asked).toEqual([`search o=x (&(uid=${Buffer.from(name).toString()})(cn=A))`]);
      expect(found.map(({ dn }) => dn)).toEqual(
        ['a', 'b'].filter((one) => one === name.toLowerCase()).map((one) => `uid=${one},o=x`),
      );
    }),
    { numRuns: 300, seed: 4515 },
  );
  session.close();
}, 60_000);
