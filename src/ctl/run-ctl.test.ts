import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCtl } from './run-ctl.ts';
import { commandNames } from './usage.ts';

function ctl(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return ctlTyping([], ...args);
}

/** With a user who types these lines. */
async function ctlTyping(
  typed: readonly string[],
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const lines = [...typed];
  const code = await runCtl(args, () => 0, {
    environment: {},
    readLine: () => Promise.resolve(lines.shift() ?? ''),
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  return { code, out, err };
}

test.each([
  [['frob'], `unknown command "frob"\nRun 'influxd-ctl help' for usage\n`],
  [['-auth-type', 'x', 'show'], 'invalid -auth-type: x\n'],
  [['-what', 'show'], 'flag provided but not defined: -what\n'],
  [['-timeout', '0s', 'show'], 'invalid value "0s" for flag -timeout: parse error\n'],
  // Go takes it, and it is over at once.
  [['-timeout', '1ns', 'show', 'x'], 'show: unexpected extra arguments: [x]\n'],
  [['-timeout', '5', 'show'], 'invalid value "5" for flag -timeout: parse error\n'],
  [
    ['-config', '/none.conf', 'show'],
    "parse config: ENOENT: no such file or directory, open '/none.conf'\n",
  ],
  [['show', '-x'], 'show: flag provided but not defined: -x\n'],
  [['add-meta', '-p', 'a'], 'add-meta: flag provided but not defined: -p\n'],
  [['join', 'a', 'b'], 'join: unexpected extra arguments: [b]\n'],
  [['remove-meta'], 'remove-meta: addr is required\n'],
  [['remove-meta', '-force', 'a'], 'remove-meta: -tcpAddr is required with -force\n'],
  [['remove-data'], 'remove-data: addr value is empty\n'],
  [['update-data'], 'update-data: old-addr value is empty\n'],
  [['update-data', 'a'], 'update-data: new-addr value is empty\n'],
  [['copy-shard'], 'copy-shard: srcAddr is required\n'],
  [['copy-shard', 'a'], 'copy-shard: destAddr is required\n'],
  [['copy-shard', 'a', 'b'], 'copy-shard: shardID is required\n'],
  [['copy-shard', 'a', 'a', '1'], 'copy-shard: destAddr and srcAddr are the same\n'],
  [['copy-shard', 'a', 'b', 'x'], 'copy-shard: error converting shardID to int: x\n'],
  [['copy-shard', 'a', 'b', '0'], 'copy-shard: shardID must be greater than 0\n'],
  [['kill-copy-shard', 'a', 'b', '-1'], 'kill-copy-shard: shardID must be greater than 0\n'],
  [['copy-shard-status', 'x'], 'copy-shard-status: unexpected extra arguments: [x]\n'],
  [['remove-shard'], 'remove-shard: srcAddr is required\n'],
  [['remove-shard', 'a'], 'remove-shard: shardID is required\n'],
  [['remove-shard', 'a', 'x'], 'remove-shard: error converting shardID to int: x\n'],
  [['remove-shard', 'a', '0'], 'remove-shard: shardID must be greater than 0\n'],
  [['remove-shard', 'a', '1', 'b'], 'remove-shard: unknown argument: b\n'],
  [['remove-shard', 'a', `${10n ** 20n}`], `remove-shard: error converting shardID to int: ${10n ** 20n}\n`], // prettier-ignore
  [['copy-shard', 'a', 'b', `${10n ** 20n}`], `copy-shard: error converting shardID to int: ${10n ** 20n}\n`], // prettier-ignore
  [['copy-shard', 'a', 'b', '1', 'c'], 'copy-shard: unknown argument: c\n'],
  [['kill-copy-shard'], 'kill-copy-shard: srcAddr is required\n'],
  [['show-shards', 'foo'], 'show-shards: unexpected extra arguments: [foo]\n'],
  [['entropy'], 'entropy: expected one of: show, repair, kill-repair\n'],
  [['entropy', 'show', 'x'], 'entropy: unexpected extra arguments: [x]\n'],
  [['entropy', 'repair'], 'entropy: shard ID is required\n'],
  [['entropy', 'kill-repair', 'x'], 'entropy: invalid shard ID: x\n'],
  [['entropy', 'repair', '1', '2'], 'entropy: unexpected extra arguments: [2]\n'],
  [['truncate-shards', 'a'], 'truncate-shards: unexpected extra arguments: [a]\n'],
  [['leave', 'a'], 'leave: unexpected extra arguments: [a]\n'],
  [['node-labels', 'x'], 'node-labels: expected one of: set, delete\n'],
  [['node-labels', 'set'], 'node-labels: -nodeid is required\n'],
  [['node-labels', 'set', '-nodeid', '4'], 'node-labels: -labels is required\n'],
  [['backup'], 'backup: backup path required\n'],
  [['backup', '-x', 'd'], 'backup: flag provided but not defined: -x\n'],
  [['backup', 'd', 'e'], 'backup: unexpected extra arguments: [e]\n'],
  [['backup', '-strategy', 'x', 'd'], 'backup: invalid -strategy: x\n'],
  [['backup', '-rp', 'x', 'd'], 'backup: -rp requires -db\n'],
  [['backup', '-shard', 'x', 'd'], 'backup: invalid value "x" for flag -shard: parse error\n'],
  [['backup', '-start', 'x', 'd'], 'backup: invalid value "x" for flag -start: parse error\n'],
  [
    ['backup', '-full', '-end', '2026-01-01T00:00:00Z', 'd'],
    'backup: -start and -end cannot be used with -strategy full\n',
  ],
  [['backup', '-gzipCompressionLevel', 'x', 'd'], 'backup: invalid -gzipCompressionLevel: x\n'],
  [['backup', '-gzipBlockSize', '0', 'd'], 'backup: -gzipBlockSize must be from 1 to 268435456\n'],
  [
    ['backup', '-staleness-threshold', '5', 'd'],
    'backup: invalid value "5" for flag -staleness-threshold: parse error\n',
  ],
  [
    ['-bind', '127.0.0.1:1', 'backup', '/tmp'],
    'backup: operation timed out with error: Get "http://127.0.0.1:1/backup-meta": dial tcp 127.0.0.1:1: connect: connection refused\n',
  ],
  [['backup', 'verify'], 'backup: path with backup files required\n'],
  [['backup', 'verify', '/none'], 'backup: no manifest files found in: /none\n'],
  [['entropy'], 'entropy: expected one of: show, repair, kill-repair\n'],
  [['entropy', 'show', 'x'], 'entropy: unexpected extra arguments: [x]\n'],
  [['entropy', 'repair'], 'entropy: shard ID is required\n'],
  [['entropy', 'kill-repair', 'x'], 'entropy: invalid shard ID: x\n'],
  [['restore'], 'restore: path with backup files required\n'],
  [['restore', '/none'], 'restore: no manifest files found in: /none\n'],
  [['restore', '-newdb', 'x', 'd'], 'restore: -newdb requires -db\n'],
  [['restore', '-newrp', 'x', 'd'], 'restore: -newrp requires -rp\n'],
  [['restore', '-newshard', '3', 'd'], 'restore: -newshard requires -shard\n'],
  [
    ['restore', '-newduration', '5', 'd'],
    'restore: invalid value "5" for flag -newduration: parse error\n',
  ],
  [['restore', '-newduration', '5h', 'd'], 'restore: -newduration requires -rp\n'],
  [['restore', '-rp', 'x', 'd'], 'restore: -rp requires -db\n'],
  [['restore', 'd', 'e'], 'restore: unexpected extra arguments: [e]\n'],
  [
    ['restore', '-shard', '1', '-newshard', '3', '-newrf', '2', 'd'],
    'restore: -newshard cannot be used with -newrf\n',
  ],
  [
    ['restore', '-meta-only-overwrite-force', '-db', 'x', 'd'],
    'restore: -meta-only-overwrite-force cannot be used with -db\n',
  ],
  [['restore', 'd/T.manifest'], 'restore: d/T.manifest is a manifest: give it with -full\n'],
  [['backup', '-shard', '-1', 'd'], 'backup: invalid value "-1" for flag -shard: parse error\n'],
  [
    ['backup', '-start', '2026-01-02T00:00:00Z', '-end', '2026-01-01T00:00:00Z', 'd'],
    'backup: -start is after -end\n',
  ],
  [['backup', '-gzipBlockCount', '257', 'd'], 'backup: -gzipBlockCount must be from 1 to 256\n'],
  [['backup', '-bufsize', '0', 'd'], 'backup: -bufsize must be from 1 to 268435456\n'],
  [['restore', '-newrf', '0', 'd'], 'restore: -newrf must be greater than 0\n'],
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
  [
    ['-bind', 'h:99999', 'show'],
    'show: operation timed out with error: Get "http://h:99999/show-cluster": dial tcp: address 99999: invalid port\n',
  ],
  [
    ['-bind', 'a b:1', 'show'],
    'show: operation timed out with error: Get "http://a b:1/show-cluster": invalid URL\n',
  ],
  [
    ['-bind', '', 'add-data', 'd:1'],
    'add-data: operation timed out with error: Post "http:///add-data": http: no Host in request URL\n',
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

test('influxd-ctl: every command of the reference tells what it is for', async () => {
  for (const command of commandNames)
    expect(await ctl(command, '-h')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Usage: /) as string,
    });
});

/** A meta node that gives these answers; answers what was asked. `tls` is its certificate and key. */
async function withMeta(
  answers: Readonly<Record<string, unknown>>,
  use: (address: string, asked: readonly string[]) => Promise<void>,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<void> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    request.setEncoding('utf8').on('data', (body: string) => asked.push(body));
    const answer = answers[request.url ?? ''];
    if (answer === 401) {
      const text = 'unable to parse authentication credentials';
      response.writeHead(401).end(JSON.stringify({ error: text }));
    } else if (answer === 400) response.writeHead(400).end('{"error":"it is full"}');
    else if (answer === 204) response.writeHead(204).end();
    else if (answer !== undefined) response.end(JSON.stringify(answer));
    // What is not there is not answered at all.
  };
  const made = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const server = made.listen(0, '127.0.0.1');
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
    expect(asked.find((one) => one.startsWith('GET'))).toMatch(
      /^GET \/show-cluster Bearer [\w-]+\.[\w-]+\.[\w-]+$/,
    );
    const late = await ctl(...at, '-timeout', '200ms', 'add-data', 'd');
    expect(late.err).toBe(`add-data: operation timed out with error: Post "http://${address}/add-data": context deadline exceeded\n`); // prettier-ignore
  });
});

test('influxd-ctl: a port alone is one of this machine', async () => {
  await withMeta({ '/add-data': { id: 4 } }, async (address) => {
    const port = address.slice(address.lastIndexOf(':'));
    const { out } = await ctl('-bind', port, 'add-data', 'd:1');
    expect(out).toBe('Added data node 4 at d:1\n');
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

test('influxd-ctl: nodes and shards go, move and are labelled', async () => {
  const answers = { '/remove-data': 204, '/remove': 204, '/leave': 204, '/node-labels': 204, '/truncate-shards': 204, '/remove-shard': 204, '/update-data': { id: 4 }, '/add-data': { id: 5 }, '/status': { nodeType: 'meta', leader: 'm:8089' } }; // prettier-ignore
  await withMeta(answers, async (address, asked) => {
    const say = async (typed: readonly string[], ...args: readonly string[]): Promise<string> => {
      const { code, out, err } = await ctlTyping(typed, '-bind', address, ...args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return out;
    };
    expect(await say([], 'remove-data', 'd:8088')).toBe('Removed data node at d:8088\n');
    expect(await say([], 'remove-data', '-force', 'd:8088')).toBe('Removed data node at d:8088\n');
    expect(await say([], 'update-data', 'd:8088', 'd:8088')).toBe('Updated data node 4 to d:8088\n'); // prettier-ignore
    expect(await say([], 'truncate-shards', '-delay', '3m')).toBe('Truncated shards.\n');
    expect(await say([], 'remove-shard', 'd:8088', '22')).toBe('Removed shard 22 from d:8088\n');
    expect(await say([], 'node-labels', 'set', '-nodeid', '4', '-labels', '{"az":"e"}')).toBe('');
    expect(await say([], 'add-data', '-p', 'p:8088')).toBe('Added data node 5 at p:8088\n');
    expect(await say(['n'], 'remove-meta', address)).toBe(`Remove ${address} from the cluster [y/N]: `); // prettier-ignore
    expect(await say(['Y'], 'remove-meta', '-force', '-tcpAddr', 'm:8089', 'm:8091')).toBe(
      'Force remove m:8091 from the cluster [y/N]: Removed meta node at m:8091\n',
    );
    expect(await say([], 'remove-meta', '-y', address)).toBe(`Removed meta node at ${address}\n`);
    const bodies = asked.filter((one) => !/^(GET|POST) /.test(one));
    expect(bodies).toEqual([
      'addr=d%3A8088',
      'addr=d%3A8088&force=true',
      'oldAddr=d%3A8088&newAddr=d%3A8088',
      'delay=3m',
      'src=d%3A8088&shard=22',
      'action=set&nodeid=4&labels=%7B%22az%22%3A%22e%22%7D',
      'addr=p%3A8088&passive=true',
      'httpAddr=m%3A8091&force=true&tcpAddr=m%3A8089',
    ]);
    expect(asked.filter((one) => one === 'POST /leave')).toHaveLength(1);
  });
});

test('influxd-ctl: what is no meta node, or of no cluster, is not removed', async () => {
  await withMeta({ '/status': { nodeType: 'data' } }, async (address) => {
    expect((await ctl('remove-meta', address)).err).toBe(`remove-meta: ${address} is not a meta node\n`); // prettier-ignore
  });
  await withMeta({ '/status': { nodeType: 'meta', leader: '', peers: null } }, async (address) => {
    expect((await ctl('remove-meta', address)).err).toBe(`remove-meta: ${address} is not part of a cluster\n`); // prettier-ignore
  });
});

test('influxd-ctl: show-shards -v says how each copy is, -m what meta and disks do not agree on', async () => {
  const owner = { id: 4, tcpAddr: 'd1:8088', state: 'hot', 'last-modified': '2023-01-01T00:00:00Z', size: 7, err: '' }; // prettier-ignore
  const lost = { ...owner, id: 5, tcpAddr: 'd2:8088', state: '', size: 0, err: 'not found' };
  const shard = { id: 1, database: 'db', 'retention-policy': 'autogen', 'replica-n': 2, 'shard-group-id': 1, 'start-time': 'S', 'end-time': 'E', 'expire-time': '0001-01-01T00:00:00Z', 'truncated-at': '0001-01-01T00:00:00Z', owners: [lost, owner] }; // prettier-ignore
  const mismatch = { id: 9, database: 'db', 'retention-policy': 'autogen', node: { id: 4, tcpAddr: 'd1:8088' }, where: 'disk' }; // prettier-ignore
  const answers = {
    '/show-shards?verbose=true': [shard],
    '/show-shards?verbose=true&expired=true': [],
    '/show-shards?mismatched=true': [
      mismatch,
      { ...mismatch, id: 10, where: 'meta' },
      { node: { id: 5, tcpAddr: 'd2:8088' }, where: 'unknown', err: 'connection refused' },
    ],
  };
  await withMeta(answers, async (address) => {
    const { out } = await ctl('-bind', address, 'show-shards', '-v');
    expect(out).toContain('  [{4 d1:8088 State:hot LastModified:2023-01-01T00:00:00Z Size:7 Err:<nil>} {5 d2:8088 State: LastModified:2023-01-01T00:00:00Z Size:0 Err:not found}]\n'); // prettier-ignore
    expect((await ctl('-bind', address, 'show-shards', '-v', '-e')).code).toBe(0);
    expect((await ctl('-bind', address, 'show-shards', '-m')).out).toBe(`Mismatched Shards
==========
ID  Database  Retention Policy  Node         Found
9   db        autogen           {4 d1:8088}  on disk only
10  db        autogen           {4 d1:8088}  in meta only
Node 5 was not compared: d2:8088: connection refused
`);
  });
});

test('influxd-ctl: speaks TLS, checks certificates, or does not with -k, and tells in the words of Go what is wrong', async () => {
  const of = (name: string) => readFileSync(new URL(`../env/node/network/testdata/outbound-${name}.pem`, import.meta.url)); // prettier-ignore
  const answers = { '/show-cluster': { data: null, meta: null }, '/status': { leader: '', peers: null } }; // prettier-ignore
  const told = (address: string, text: string) => ({ code: 1, out: '', err: `show: operation timed out with error: Get "https://${address}/show-cluster": ${text}\n` }); // prettier-ignore
  await withMeta(
    answers,
    async (address) => {
      const stranger = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'; // prettier-ignore
      expect(await ctl('-bind', address, '-bind-tls', 'show')).toEqual(told(address, stranger));
      expect(await ctl('-bind', address, '-bind-tls', '-k', 'show')).toMatchObject({ code: 0, err: '' }); // prettier-ignore
    },
    { cert: of('cert'), key: of('key') },
  );
  await withMeta(answers, async (address) => {
    const plain = 'http: server gave HTTP response to HTTPS client';
    expect(await ctl('-bind', address, '-bind-tls', 'show')).toEqual(told(address, plain));
    // Without -bind-tls it is passed over.
    expect(await ctl('-bind', address, '-k', 'show')).toMatchObject({ code: 0 });
  });
});
