import { expect, test } from 'vitest';
import { readQueryHead } from './plain-head.ts';

const plain = 'GET /query?q=SHOW+DATABASES HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n';

test('query head: what is plain is read, what comes behind it is left', () => {
  const head = readQueryHead(Buffer.from(`${plain}GET /query`));
  expect(head).toMatchObject({ text: plain, url: '/query?q=SHOW+DATABASES', lengthBytes: 0 });
  expect(readQueryHead(Buffer.from(plain), head)).toBe(head);
});

test.each([
  plain.replace('GET', 'POST'),
  plain.replace('/query?', '/query'),
  plain.replace('/query?', '/ping?'),
  plain.replace('1.1', '1.0'),
  plain.replace('SHOW', 'SH\xd6W'),
  plain.replace('Host: a\r\n', ''),
  plain.replace('User-Agent: b', 'Content-Length: 0'),
  plain.replace('User-Agent: b', 'Transfer-Encoding: chunked'),
  plain.replace('User-Agent: b', 'Connection: close'),
  plain.replace('User-Agent: b', 'Origin: http://a'),
  plain.replace('User-Agent: b', 'Host: b'),
  plain.slice(0, -2),
  '',
])('query head: what is not plain is left to Node: %j', (text) => {
  expect(readQueryHead(Buffer.from(text, 'latin1'))).toBeUndefined();
});
