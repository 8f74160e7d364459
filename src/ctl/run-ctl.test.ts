import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { runCtl } from './run-ctl.ts';

async function ctl(
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await runCtl(args, () => 0, {
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  return { code, out, err };
}

test.each([
  [['frob'], `unknown command "frob"\nRun 'influxd-ctl help' for usage\n`],
  [['-auth-type', 'x', 'show'], 'show: invalid -auth-type: x\n'],
  [['show', 'foo'], 'show: unexpected extra arguments: [foo]\n'],
  [['add-data'], 'add-data: tcpAddr value is empty\n'],
  [['add-meta'], 'add-meta: httpAddr value is empty\n'],
  [['add-meta', 'a', 'b'], 'add-meta: unknown argument: b\n'],
  [['token'], 'token: tokens can only be created when using bearer authentication\n'],
  [['backup', 'x'], 'backup: this command is not supported in this version\n'],
  [
    ['-bind', '127.0.0.1:1', 'show'],
    'show: operation timed out with error: connect ECONNREFUSED 127.0.0.1:1\n',
  ],
] as const)('influxd-ctl: %j', async (args, text) => {
  expect(await ctl(...args)).toEqual({ code: 1, out: '', err: text });
});

test('influxd-ctl: help, and a token that can be read back', async () => {
  expect((await ctl()).out).toContain('   show-shards         Shows the shards in a cluster\n');
  const { out } = await ctl(
    '-auth-type',
    'JWT',
    '-secret',
    's',
    '-user',
    'u',
    'token',
    '-exp',
    '5m',
  );
  const claims = out.split('.')[1] ?? '';
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
    exp: 300,
    username: 'u',
  });
});

test('influxd-ctl: follows the redirect to the leader with body and credentials', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body} ${request.headers.authorization}`);
      if (request.url === '/join')
        response.writeHead(307, { Location: `http://${request.headers.host ?? ''}/leader` }).end();
      else response.end('{"id":7}');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const done = await ctl('-bind', `127.0.0.1:${port}`, '-auth-type', 'basic', '-user', 'u', '-pwd', 'p', 'add-meta', 'm:8091'); // prettier-ignore
  expect(done).toEqual({ code: 0, out: 'Added meta node 7 at m:8091\n', err: '' });
  const credentials = `Basic ${Buffer.from('u:p').toString('base64')}`;
  expect(seen).toEqual([`POST /join addr=m%3A8091 ${credentials}`, `POST /leader addr=m%3A8091 ${credentials}`]); // prettier-ignore
  server.close();
});
