import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  LdapServer,
  result,
  tlv,
  type LdapServerOptions,
} from '../../../../test/support/ldap-server.ts';
import type { DirectorySecurity } from '../../directory.ts';
import { NodeDirectory } from './node-directory.ts';

const testdata = join(import.meta.dirname, '../network/testdata');
const tls = {
  cert: readFileSync(join(testdata, 'outbound-cert.pem')),
  key: readFileSync(join(testdata, 'outbound-key.pem')),
};
const entries = [
  { dn: 'cn=reader', attributes: {}, password: 'right' },
  { dn: 'uid=a,o=x', attributes: { uid: ['a'], OU: ['g', 'h'] }, password: 'a' },
  { dn: 'uid=b,o=x', attributes: { uid: ['b'] } },
];
const closing: (() => void)[] = [];
const directory = new NodeDirectory();

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function open(options: LdapServerOptions = {}): Promise<LdapServer> {
  const server = await LdapServer.open(entries, options);
  closing.push(() => {
    server.close();
  });
  return server;
}

const at = (server: { readonly port: number }, security: DirectorySecurity) => ({
  host: '127.0.0.1',
  port: server.port,
  security,
  certificatePath: '',
  keyPath: '',
});

test.each([
  ['none', {}],
  ['starttls+insecure', { tls }],
  ['ldaps+insecure', { tls: { ...tls, isFirst: true } }],
] as const)(
  'directory: %s binds and finds entries and the values of an attribute',
  async (security, options) => {
    const server = await open(options);
    const session = await directory.connect(at(server, security), 10_000);
    expect(await session.bind('cn=reader', 'wrong')).toBe(false);
    expect(await session.bind('cn=reader', '')).toBe(false);
    expect(await session.bind('cn=reader', 'right')).toBe(true);
    expect(
      await session.search('o=x', { filter: '(uid=a)', attribute: 'ou', entriesMax: 9 }),
    ).toEqual([{ dn: 'uid=a,o=x', values: ['g', 'h'] }]);
    expect(
      await session.search('o=x', { filter: '(uid=*)', attribute: undefined, entriesMax: 1 }),
    ).toEqual([{ dn: 'uid=a,o=x', values: [] }]);
    expect(
      await session.search('o=x', { filter: '(uid=c)', attribute: 'ou', entriesMax: 9 }),
    ).toEqual([]);
    expect(
      await session.search('o=y', { filter: '(uid=c)', attribute: 'ou', entriesMax: 9 }),
    ).toEqual([]);
    session.close();
    await expect(session.bind('cn=reader', 'right')).rejects.toMatchObject({ code: 'unavailable' });
    expect(server.asked.filter((one) => one === 'bind cn=reader')).toHaveLength(2);
  },
);

test.each([
  ['starttls', { tls }, /certificate/],
  ['ldaps', { tls: { ...tls, isFirst: true } }, /certificate/],
  ['starttls+insecure', {}, /./],
  ['starttls', {}, /./],
] as const)(
  'directory: %s goes no further where TLS does not stand, and no name was sent',
  async (security, options, text) => {
    const server = await open(options);
    await expect(directory.connect(at(server, security), 10_000)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(text) as string,
    });
    expect(server.asked).toEqual([]);
  },
);

test.each([1, 2, 3, 4])(
  'directory: what comes in the clear behind the answer to StartTLS counts for nothing, as message %s',
  async (id) => {
    // A part of an answer that what comes by TLS would make whole: it says that a bind is right. The library's own upgrade takes it.
    const whole = tlv(0x30, tlv(2, Buffer.of(id)), result(0x61, 0), Buffer.alloc(14));
    const server = await open({ tls, injected: whole.subarray(0, whole.length - 14) });
    const session = await directory.connect(at(server, 'starttls+insecure'), 10_000);
    expect(await session.bind('cn=reader', 'wrong')).toBe(false);
    expect(await session.bind('cn=reader', 'right')).toBe(true);
    session.close();
  },
);

test('directory: a server that hangs, or is not there, is unavailable once the time is over, with no connection left', async () => {
  const hanging = await open();
  hanging.isHanging = true;
  const session = await directory.connect(at(hanging, 'none'), 50);
  await expect(session.bind('cn=reader', 'right')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('i/o timeout') as string,
  });
  await expect(directory.connect(at(hanging, 'starttls'), 50)).rejects.toMatchObject({
    code: 'unavailable',
  });
  const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  await expect(directory.connect(at({ port }, 'ldaps'), 50)).rejects.toMatchObject({
    code: 'unavailable',
  });
  await new Promise((resolve) => silent.close(resolve));
  await expect(directory.connect(at({ port }, 'none'), 10_000)).rejects.toMatchObject({
    code: 'unavailable',
    message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

test('directory: a connection that the server closes is not made anew', async () => {
  const server = await open();
  const session = await directory.connect(at(server, 'none'), 10_000);
  expect(await session.bind('cn=reader', 'right')).toBe(true);
  server.close();
  await expect(
    session.search('o=x', { filter: '(uid=a)', attribute: undefined, entriesMax: 9 }),
  ).rejects.toMatchObject({ code: 'unavailable' });
  session.close();
});
