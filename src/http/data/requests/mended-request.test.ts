import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { mendRequest } from './mended-request.ts';

async function withServer(
  answer: RequestListener,
  body: (client: Socket, refusals: string[]) => Promise<void>,
): Promise<void> {
  const refusals: string[] = [];
  const server = createServer({ insecureHTTPParser: true }, answer);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (mendRequest(server, error, socket)) return;
    refusals.push(error.code ?? '');
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  await body(client, refusals);
  client.destroy();
  server.close();
  await once(server, 'close');
}

const head = Buffer.from(
  'POST /write?x=\u00e9&y=%41 HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n',
);

test('mended request: bytes are escaped, what was escaped stays, and a body follows whole', async () => {
  await withServer(
    (request, response) => {
      let bytes = 0;
      request.on('data', (part: Buffer) => (bytes += part.length));
      request.on('end', () => response.end(`${request.url} ${bytes}`));
    },
    async (client) => {
      client.write(head);
      client.write(Buffer.alloc(200_000, 97));
      let text = '';
      client.on('data', (part: Buffer) => (text += part.toString()));
      await once(client, 'end');
      expect(text).toContain('\r\nConnection: close\r\n');
      expect(text.endsWith('/write?x=%C3%A9&y=%41 200000')).toBe(true);
    },
  );
});

test.each([
  ['lines of CR LF', '\r\n'],
  ['lines of LF', '\n'],
])('mended request: a length that is there three times is one, %s', async (_name, end) => {
  await withServer(
    (request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => response.end(`${String(request.headers['x-last'])} ${body}`));
    },
    async (client) => {
      const lines = ['POST / HTTP/1.1', 'Host: h', 'Content-Length: 5', 'content-length:5', 'Content-Length: 5 ', 'X-Last: yes', '']; // prettier-ignore
      client.write(`${lines.join(end)}${end}a`);
      client.write('bcde');
      let text = '';
      client.on('data', (part: Buffer) => (text += part.toString()));
      await once(client, 'end');
      expect(text).toMatch(/\r\n\r\nyes abcde$/);
    },
  );
});

test('mended request: the end of either side is the end of the other', async () => {
  let onBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => (onBegun = resolve));
  let onLeft = (): void => undefined;
  const left = new Promise<void>((resolve) => (onLeft = resolve));
  await withServer(
    (_request, response) => {
      response.on('close', onLeft);
      onBegun();
    },
    async (client) => {
      client.write(head);
      await begun;
      client.destroy();
      await left;
    },
  );
  await withServer(
    (_request, response) => {
      response.write('x');
      response.destroy();
    },
    async (client) => {
      client.write(head);
      await once(client.resume(), 'close');
    },
  );
});

test.each([
  ['no request line', 'nothing of \u00e9\r\n\r\n'],
  ['a line that is not whole', 'GET /\u00e9'],
  ['a control byte', 'GET /\u0001 HTTP/1.1\r\n\r\n'],
  ['another version', 'GET /\u00e9 HTTP/9.9\r\n\r\n'],
  [
    'a length that differs',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  ],
  [
    'a head that is not whole',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n',
  ],
])('mended request: %s is left to the parser', async (_name, text) => {
  await withServer(
    () => {
      throw new Error('no request');
    },
    async (client, refusals) => {
      client.end(Buffer.from(text));
      await once(client.resume(), 'close');
      expect(refusals).toHaveLength(1);
    },
  );
});
