import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KiB, MiB } from '../../../base/units.ts';
import { answerClientError, isWellEscaped, refuseConnect } from './client-error.ts';

const server = createServer({ maxHeaderSize: 16 * KiB })
  .on('clientError', answerClientError)
  .on('connect', refuseConnect);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** What comes back, and how the connection ends. */
async function exchange(bytes: Buffer): Promise<{ readonly text: string; readonly ends: string }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  const ended = new Promise<string>((resolve) => {
    socket.once('end', () => {
      resolve('whole');
    });
    socket.once('error', (error) => {
      resolve(error.message);
    });
  });
  // All of it, before any of the answer is looked at.
  socket.pause();
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.resume();
  const ends = await ended;
  socket.destroy();
  return { text, ends };
}

test('CONNECT is answered as any address that is not there', async () => {
  const { text, ends } = await exchange(Buffer.from('CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'));
  expect(text).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  expect([text.endsWith('\r\n\r\n404 page not found\n'), ends]).toEqual([true, 'whole']);
});

test('escapes of a path need not be UTF-8', () => {
  expect(['/', '/%ff%2F', '/a%41'].map(isWellEscaped)).toEqual([true, true, true]);
  expect(['/%', '/%4', '/%zz'].map(isWellEscaped)).toEqual([false, false, false]);
});

test.each([
  ['a short one', 'GET / HTTP/1.1\r\nbad header\r\n\r\n', '400 Bad Request'],
  ['a head of megabytes', `GET / HTTP/1.1\r\nX: ${'a'.repeat(8 * MiB)}\r\n\r\n`, '431 Request Header Fields Too Large'],
])('client error: %s is answered, and the answer gets there', async (_what, request, status) => {
  const { text, ends } = await exchange(Buffer.from(request));
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
  expect([text.endsWith(`\r\n\r\n${status}`), ends]).toEqual([true, 'whole']);
}); // prettier-ignore
