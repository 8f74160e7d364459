import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { KnownHeads, readPlainHead } from './plain-head.ts';

const head = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'); // prettier-ignore
const usual = ['POST /write?db=d&p=a%20b HTTP/1.1', 'Host: a', 'Content-Length: 12'] as const;

test('plain head: of a write as clients send it, with what comes behind it left alone', () => {
  const bytes = Buffer.concat([head(...usual, 'User-Agent:  x y \t'), Buffer.from('m v=1\n')]);
  expect(readPlainHead(bytes)).toMatchObject({
    text: bytes.toString('latin1', 0, bytes.length - 6),
    kind: 'write',
    method: 'POST',
    url: '/write?db=d&p=a%20b',
    headers: { host: 'a', 'content-length': '12', 'user-agent': 'x y' },
    lengthBytes: 12,
    closes: false,
  });
  expect(readPlainHead(head('POST /api/v2/write HTTP/1.1', ...usual.slice(1)))).toBeDefined();
});

test('plain head: the same as before is the one of before', () => {
  const first = readPlainHead(head(...usual));
  const longer = Buffer.concat([head(...usual), Buffer.from('m v=1\n')]);
  expect(first).toBeDefined();
  expect(readPlainHead(longer, first)).toBe(first);
  const other = head(...usual.slice(0, 2), 'Content-Length: 13');
  expect(readPlainHead(other, first)?.lengthBytes).toBe(13);
});

test('plain head: of a write that any connection had before it is the same one, also where it is not the one of before', () => {
  const heads = new KnownHeads();
  const bodyBehind = Buffer.from('m v=1\r\n\r\n');
  const of = (lengthBytes: number, ...more: readonly string[]): Buffer =>
    Buffer.concat([head(...usual.slice(0, 2), `Content-Length: ${lengthBytes}`, ...more), bodyBehind]); // prettier-ignore
  const first = heads.read(of(9), undefined);
  const second = heads.read(of(10), first);
  expect(second?.lengthBytes).toBe(10);
  expect(heads.read(of(9), first)).toBe(first);
  expect(heads.read(of(10), heads.read(of(11), undefined))).toBe(second);
  expect(heads.read(of(9, 'Expect: 100-continue'), first)).toBeUndefined();
  // Not whole, longer than is kept, or a query: read as ever.
  expect(heads.read(head(...usual).subarray(0, -1), first)).toBeUndefined();
  const long = of(9, `A: ${'a'.repeat(4_000)}`);
  expect(heads.read(long, first)).toEqual(readPlainHead(long));
  expect(heads.read(long, first)).not.toBe(heads.read(long, first));
  expect(heads.read(head(...asked), first)?.kind).toBe('query');
});

const asked = ['GET /query?q=SHOW+DATABASES HTTP/1.1', 'Host: a', 'Accept-Encoding: gzip'] as const;

test('plain head: of a query in an address or a form', () => {
  expect(readPlainHead(head(...asked))).toMatchObject({
    kind: 'query',
    method: 'GET',
    url: '/query?q=SHOW+DATABASES',
    lengthBytes: 0,
  });
  const form = ['POST /query HTTP/1.1', ...asked.slice(1), 'Content-Length: 20'];
  expect(readPlainHead(head(...form))).toMatchObject({ method: 'POST', lengthBytes: 20 });
  expect(readPlainHead(head('POST /query?q=a HTTP/1.1', ...asked.slice(1)))?.lengthBytes).toBe(0);
});

test('plain head: the fields of before are not read again, whatever the address', () => {
  const first = readPlainHead(head(...asked));
  const second = readPlainHead(head('GET /query?q=a HTTP/1.1', ...asked.slice(1)), first);
  expect(second?.url).toBe('/query?q=a');
  expect(second?.headers).toBe(first?.headers);
  const write = readPlainHead(head('POST /write?db=d HTTP/1.1', ...asked.slice(1)), first);
  expect(write).toBeUndefined();
});

test('plain head: gzip of a write, and a client that asks for no more', () => {
  expect(readPlainHead(head(...usual, 'Content-Encoding: gzip'))?.kind).toBe('write');
  expect(readPlainHead(head(...usual, 'Connection: Close'))?.closes).toBe(true);
});

const others: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['half a head', head(...usual).subarray(0, -1)],
  ['another method', head('GET /write?db=d HTTP/1.1', ...usual.slice(1))],
  ['a method of no route', head('PUT /query?q=a HTTP/1.1', ...asked.slice(1))],
  ['another address', head('GET /ping HTTP/1.1', ...asked.slice(1))],
  ['an address that begins the same', head('GET /queryx?q=a HTTP/1.1', ...asked.slice(1))],
  ['a query with a body in a GET', head(...asked, 'Content-Length: 0')],
  ['a long form', head('POST /query HTTP/1.1', ...usual.slice(1, 2), 'Content-Length: 20000')],
  ['a form in gzip', head('POST /query HTTP/1.1', ...usual.slice(1), 'Content-Encoding: gzip')],
  ['what Prometheus sends', head('POST /api/v1/prom/write HTTP/1.1', ...usual.slice(1))],
  ['another version', head('POST /write HTTP/1.0', ...usual.slice(1))],
  ['bytes beyond ASCII in the address', head('POST /write?db=\xfc HTTP/1.1', ...usual.slice(1))],
  ['bytes beyond ASCII in a header', head(...usual, 'X-Request-Id: \xfc')],
  ['lines that end in a line feed', Buffer.from(`${usual.join('\n')}\n\n`)],
  ['a line feed within a value', head(...usual, 'A: b\nTransfer-Encoding: chunked')],
  ['a folded line', head(...usual, 'A: b', ' c')],
  ['a space before a colon', head(...usual, 'A : b')],
  ['no length', head(...usual.slice(0, 2))],
  ['no host', head('POST /write HTTP/1.1', 'Content-Length: 12')],
  ['a length twice', head(...usual, 'content-length: 12')],
  ['a length with a sign', head(...usual.slice(0, 2), 'Content-Length: +12')],
  ['a length of hex digits', head(...usual.slice(0, 2), 'Content-Length: 0x1')],
  ['a length past all numbers', head(...usual.slice(0, 2), 'Content-Length: 9999999999999999')],
  ['chunks', head(...usual, 'Transfer-Encoding: chunked')],
  ['another coding', head(...usual, 'Content-Encoding: deflate')],
  ['a client that waits to be asked', head(...usual, 'Expect: 100-continue')],
  ['another origin', head(...usual, 'Origin: http://a')],
  ['a connection for something else', head(...usual, 'Connection: close, upgrade')],
  ['an upgrade', head(...usual, 'Connection: Upgrade', 'Upgrade: h2c')],
  ['a name that objects have', head(...usual, '__proto__: a', '__proto__: b')],
  ['a long head', head(...usual, `A: ${'a'.repeat(20_000)}`)],
];

test.each(others)('plain head: %s is not plain', (_what, bytes) => {
  expect(readPlainHead(bytes)).toBeUndefined();
});
