import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCtl } from './run-ctl.ts';
import { commandNames } from './usage.ts';

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
  [['-auth-type', 'x', 'show'], 'invalid -auth-type: x\n'],
  [['-what', 'show'], 'flag provided but not defined: -what\n'],
  [['-timeout', '5', 'show'], 'invalid value "5" for flag -timeout: parse error\n'],
  [
    ['-config', '/none.conf', 'show'],
    "parse config: ENOENT: no such file or directory, open '/none.conf'\n",
  ],
  [['show', '-x'], 'show: flag provided but not defined: -x\n'],
  [['add-meta', '-p', 'a'], 'add-meta: flag provided but not defined: -p\n'],
  [['add-data', '-p', 'a'], 'add-data: passive data nodes are not supported in this version\n'],
  [['join', 'a', 'b'], 'join: unexpected extra arguments: [b]\n'],
  [['show-shards', '-v'], 'show-shards: -v is not supported in this version\n'],
  [['('], `unknown command "("\nRun 'influxd-ctl help' for usage\n`],
  [['show', 'foo'], 'show: unexpected extra arguments: [foo]\n'],
  [['add-data'], 'add-data: tcpAddr value is empty\n'],
  [['add-meta'], 'add-meta: httpAddr value is empty\n'],
  [['add-meta', 'a', 'b'], 'add-meta: unknown argument: b\n'],
  [['token'], 'token: tokens can only be created when using bearer authentication\n'],
  [
    ['-bind', '127.0.0.1:1', 'show'],
    'show: operation timed out with error: Get "http://127.0.0.1:1/show-cluster": dial tcp 127.0.0.1:1: connect: connection refused\n',
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

test('influxd-ctl: every command of the reference that is still to come says so by name', async () => {
  const later = ['backup', 'copy-shard', 'copy-shard-status', 'entropy', 'kill-copy-shard', 'ldap', 'leave', 'node-labels', 'remove-data', 'remove-meta', 'remove-shard', 'restore', 'truncate-shards', 'update-data']; // prettier-ignore
  const built = ['add-data', 'add-meta', 'join', 'show', 'show-shards', 'token'];
  expect([...commandNames].sort()).toEqual([...later, ...built].sort());
  for (const command of later)
    expect(await ctl(command, 'x')).toEqual({
      code: 1,
      out: '',
      err: `${command}: this command is not supported in this version\n`,
    });
  for (const command of built)
    expect(await ctl(command, '-h')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Usage: /) as string,
    });
});

/** A meta node that gives these answers; answers what was asked. */
async function withMeta(
  answers: Readonly<Record<string, unknown>>,
  use: (address: string, asked: readonly string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const answer = answers[request.url ?? ''];
    if (answer === 401) {
      const text = 'unable to parse authentication credentials';
      response.writeHead(401).end(JSON.stringify({ error: text }));
    } else if (answer === 400) response.writeHead(400).end('{"error":"it is full"}');
    else if (answer !== undefined) response.end(JSON.stringify(answer));
    // What is not there is not answered at all.
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await use(`127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('influxd-ctl: show and show-shards have the tables of the reference', async () => {
  const node = (id: number, addr: string, tcpAddr: string, labels: object) => ({ id, addr, httpScheme: 'http', tcpAddr, version: 'v1.12.4', labels }); // prettier-ignore
  const shard = {
    id: 51,
    database: 'telegraf',
    'retention-policy': 'autogen',
    'replica-n': 2,
    'shard-group-id': 37,
    'start-time': '2023-01-01T00:00:00Z',
    'end-time': '2023-01-08T00:00:00Z',
    'expire-time': '2023-07-08T00:00:00Z',
    'truncated-at': '0001-01-01T00:00:00Z',
    owners: [{ id: 33, tcpAddr: 'data3:8088' }, { id: 26, tcpAddr: 'data1:8088' }], // prettier-ignore
  };
  const cut = {
    ...shard,
    id: 2,
    'expire-time': '0001-01-01T00:00:00Z',
    'truncated-at': '2023-01-02T18:05:36.418734949Z',
  };
  const answers = {
    '/show-cluster': {
      data: [node(4, 'data1:8086', 'data1:8088', { az: 'us-west' })],
      meta: [node(1, 'meta1:8091', 'meta1:8089', {}), node(2, 'meta2:8091', 'meta2:8089', {})],
    },
    '/status': { leader: 'meta1:8089', peers: ['meta1:8089', 'meta2:8089'] },
    '/show-shards': [shard, cut],
    '/show-shards?expired=true': [],
  };
  await withMeta(answers, async (address) => {
    expect((await ctl('-bind', address, 'show')).out).toBe(`Data Nodes
==========
ID      TCP Address   HTTP Address   Version   Labels             Passive
4       data1:8088    data1:8086     v1.12.4   {"az":"us-west"}   false

Meta Nodes
==========
ID      Raft Address   HTTP Address   Version   Labels
1       meta1:8089     meta1:8091     v1.12.4   {}
2       meta2:8089     meta2:8091     v1.12.4   {}

Raft Status
==========
Leader  meta1:8089
Peers   ["meta2:8089"]
`);
    expect((await ctl('-bind', address, 'show-shards')).out).toBe(`Shards
==========
ID  Database  Retention Policy  Desired Replicas  Shard Group  Start                 End                              Expires               Owners
51  telegraf  autogen           2                 37           2023-01-01T00:00:00Z  2023-01-08T00:00:00Z             2023-07-08T00:00:00Z  [{26 data1:8088} {33 data3:8088}]
2   telegraf  autogen           2                 37           2023-01-01T00:00:00Z  2023-01-02T18:05:36.418734949Z*                        [{26 data1:8088} {33 data3:8088}]
`);
    expect((await ctl('-bind', address, 'show-shards', '-e')).out).toContain('ID  Database  ');
  });
});

test('influxd-ctl: what the server refuses, who is not known, and who does not answer', async () => {
  await withMeta({ '/join': 400, '/show-cluster': 401 }, async (address, asked) => {
    const at = ['-bind', address];
    expect((await ctl(...at, 'add-meta', 'm')).err).toBe('add-meta: operation exited with error: it is full\n'); // prettier-ignore
    const unknown = await ctl(...at, '-auth-type', 'jwt', '-secret', 's', '-user', 'u', 'show');
    expect(unknown).toEqual({
      code: 1,
      out: '',
      err: 'Error: unable to parse authentication credentials.\n',
    });
    expect(asked[1]).toMatch(/^GET \/show-cluster Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    const late = await ctl(...at, '-timeout', '200ms', 'add-data', 'd');
    expect(late.err).toBe(`add-data: operation timed out with error: Post "http://${address}/add-data": context deadline exceeded\n`); // prettier-ignore
  });
});

test('influxd-ctl: -config says where the meta node is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-ctl-'));
  try {
    await withMeta({ '/add-data': { id: 4 } }, async (address) => {
      const file = join(folder, 'influxdb-meta.conf');
      writeFileSync(file, `[meta]\n  http-bind-address = "${address}"\n`);
      expect((await ctl('-config', file, 'add-data', 'd:1')).out).toBe('Added data node 4 at d:1\n'); // prettier-ignore
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
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
