import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { Databases } from '../../meta/model/databases.ts';
import { createMetaApi } from './meta-api.ts';
import type { MetaApiPorts, MetaProbe } from './meta-api-options.ts';
import type { MetaIdentities } from './meta-gate.ts';

const options = {
  version: '1.12.4-c1.12.4',
  httpAddress: 'm1:8091',
  tcpAddress: 'm1:8089',
  dataNodesMax: 2,
  tracing: false,
  identities: {} as MetaIdentities,
};
const node2 = { id: 2, httpAddress: 'm2:8091', tcpAddress: 'm2:8089' };

/** A meta node as the API sees one; what a test changes stands in `change`. */
class FakeNode {
  isJoined = true;
  isLeader = true;
  leaderHttpAddress = 'm1:8091';
  readonly did: string[] = [];
  readonly catalog = {
    index: 7,
    clusterId: 1n,
    dataNodes: [{ id: 4, httpAddress: 'd1:8086', tcpAddress: 'd1:8088' }],
    metaNodes: [{ id: 1, httpAddress: 'm1:8091', tcpAddress: 'm1:8089' }],
    leases: [],
    databases: Databases.of([
      {
        name: 'db',
        defaultRetentionPolicy: 'autogen',
        retentionPolicies: [
          {
            name: 'autogen',
            durationNs: 3_600_000_000_000n,
            shardGroupDurationNs: 3_600_000_000_000n,
            replicaCount: 2,
            pastLimitNs: 0n,
            futureLimitNs: 0n,
            shardGroups: [
              { id: 1, startNs: 0n, endNs: 3_600_000_000_000n, shards: [{ id: 1, owners: [4] }] },
            ],
          },
        ],
      },
    ]),
  };
  status = { leader: 'm1:8089', peers: ['m1:8089'] };

  found(): Promise<void> {
    this.did.push('found');
    this.isJoined = true;
    return Promise.resolve();
  }

  addMeta(http: string, tcp: string): Promise<number> {
    this.did.push(`add ${http} ${tcp}`);
    return Promise.resolve(2);
  }

  settleRead(): Promise<boolean> {
    return Promise.resolve(true);
  }

  readBarrier(): Promise<void> {
    return Promise.resolve();
  }
}

function create(change: Partial<FakeNode> = {}, probed?: MetaProbe) {
  const node = Object.assign(new FakeNode(), change);
  const log = { info: () => undefined, error: () => undefined };
  const probe = (address: string) =>
    probed === undefined
      ? Promise.reject(new DbError('unavailable', `${address}: nobody`))
      : Promise.resolve(probed);
  const announcements = { versionOf: () => 'v1.12.4', schemeOf: () => 'http' };
  const rpc = { call: () => Promise.reject(new DbError('unavailable', 'nobody there')) };
  const ports = { clock: new NodeClock(), log, node, rpc, announcements, probe, requestId: () => 'id' }; // prettier-ignore
  return { node, api: createMetaApi(ports as unknown as MetaApiPorts, options) };
}

const unjoined = { isJoined: false, status: { leader: '', peers: [] }, leaderHttpAddress: '' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

test('meta api: documents have the fields of the reference in its order', async () => {
  const { api } = create();
  const text = async (url: string) => (await api.inject({ url })).body;
  expect(await text('/status')).toBe(
    '{"nodeType":"meta","leader":"m1:8089","httpAddr":"m1:8091","raftAddr":"m1:8089","peers":["m1:8089"]}\n',
  );
  expect(await text('/ping')).toBe('m1:8089');
  expect(await text('/peers')).toBe('["m1:8089"]\n');
  expect(await text('/show-cluster')).toBe(
    '{"data":[{"id":4,"addr":"d1:8086","httpScheme":"http","tcpAddr":"d1:8088","version":"v1.12.4","labels":{},"httpAddr":"d1:8086","status":"joined"}],' +
      '"meta":[{"id":1,"addr":"m1:8091","httpScheme":"http","tcpAddr":"m1:8089","version":"v1.12.4","labels":{}}]}\n',
  );
  expect(await text('/show-shards')).toBe('[]\n');
  expect(await text('/show-shards?expired=true')).toBe(
    '[{"id":1,"database":"db","retention-policy":"autogen","replica-n":2,"shard-group-id":1,' +
      '"start-time":"1970-01-01T00:00:00Z","end-time":"1970-01-01T01:00:00Z","expire-time":"1970-01-01T02:00:00Z",' +
      '"truncated-at":"0001-01-01T00:00:00Z","owners":[{"id":4,"tcpAddr":"d1:8088","state":"",' +
      '"last-modified":"0001-01-01T00:00:00Z","size":0,"err":""}]}]\n',
  );
});

test('meta api: headers of every answer, gzip for who takes it', async () => {
  const { api } = create();
  const { headers } = await api.inject({ url: '/ping', headers: { 'x-request-id': 'mine' } });
  expect(headers).toMatchObject({
    'x-influxdb-version': '1.12.4-c1.12.4',
    'influxdb-metaindex': '7',
    'x-request-id': 'mine',
    'request-id': 'mine',
  });
  const zipped = await api.inject({ url: '/peers', headers: { 'accept-encoding': 'gzip' } });
  expect(zipped.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(zipped.rawPayload).toString()).toBe('["m1:8089"]\n');
});

test('meta api: other methods, unknown paths, and addresses that are none', async () => {
  const { api } = create();
  for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const)
    expect(await api.inject({ method, url: '/status' })).toMatchObject({ statusCode: 400, body: '' }); // prettier-ignore
  for (const [method, url] of [
    ['GET', '/nothing'],
    ['GET', '/join'],
    ['POST', '/status'],
  ] as const)
    // prettier-ignore
    expect(await api.inject({ method, url })).toMatchObject({
      statusCode: 404,
      body: '404 page not found\n',
    });
  const long = await api.inject({ method: 'POST', url: '/join', payload: 'a'.repeat(2_000_000) });
  expect(long.statusCode).toBe(413);
});

test('meta api: an unjoined node says so', async () => {
  const { api } = create({ ...unjoined, catalog: { ...new FakeNode().catalog, clusterId: 0n } });
  const answer = async (url: string) => (await api.inject({ url })).body;
  expect(await answer('/status')).toContain('"leader":"","httpAddr":"m1:8091","raftAddr":"m1:8089","peers":null}'); // prettier-ignore
  expect(await answer('/show-cluster')).toBe('{"data":null,"meta":null}\n');
  expect(await answer('/ping')).toBe('');
  expect(await api.inject({ url: '/lease?name=a&nodeid=1' })).toMatchObject({ statusCode: 503, body: '{"error":"no leader"}\n' }); // prettier-ignore
  const add = await api.inject({ method: 'POST', url: '/add-data', headers: form, payload: 'addr=d:8088' }); // prettier-ignore
  expect(add).toMatchObject({
    statusCode: 400,
    body: '{"error":"data node failed to contact valid meta server in list []"}\n',
  });
});

test('meta api: who is not the leader sends what changes to it, with all parameters', async () => {
  const { api } = create({ isLeader: false, leaderHttpAddress: 'm2:8091' });
  const join = await api.inject({ method: 'POST', url: '/join?addr=m3:8091' });
  expect(join).toMatchObject({
    statusCode: 307,
    headers: { location: 'http://m2:8091/join?addr=m3:8091' },
  });
  const lease = await api.inject({ url: '/lease?name=a&nodeid=1' });
  expect(lease.headers.location).toBe('http://m2:8091/lease?name=a&nodeid=1');
  const none = create({ isLeader: false, leaderHttpAddress: '' }).api;
  for (const url of ['/join', '/add-data']) {
    const answer = await none.inject({ method: 'POST', url, headers: form, payload: 'addr=x:1' });
    expect(answer).toMatchObject({ statusCode: 503, body: '{"error":"no leader"}\n' });
    expect(answer.headers['x-influxdb-error']).toBe('no leader');
  }
});

test.each([
  ['GET', '/lease?nodeid=1', 400, 'lease name required\n'],
  ['GET', '/lease?name=a', 400, 'node ID required\n'],
  ['GET', '/lease?name=a&nodeid=x', 400, 'invalid node ID\n'],
  ['GET', `/lease?name=a&nodeid=${10n ** 20n}`, 400, 'invalid node ID\n'],
  ['POST', '/join', 400, '{"error":"addr is required"}\n'],
  ['POST', '/add-data', 400, '{"error":"addr is required"}\n'],
  ['POST', '/remove', 400, '{"error":"httpAddr is required"}\n'],
  ['POST', '/remove?httpAddr=x:1', 400, '{"error":"node not found: x:1"}\n'],
  ['POST', '/remove-data', 400, '{"error":"addr is required"}\n'],
  ['POST', '/remove-data?addr=x:1', 400, '{"error":"node not found: x:1"}\n'],
  ['POST', '/update-data', 400, '{"error":"oldAddr is required"}\n'],
  ['POST', '/update-data?oldAddr=x:1', 400, '{"error":"newAddr is required"}\n'],
  ['POST', '/update-data?oldAddr=x:1&newAddr=y:1', 400, '{"error":"no data node with bind address x:1 exists"}\n'], // prettier-ignore
  ['POST', '/remove-shard', 400, `{"error":"'src' is a required parameter"}\n`],
  ['POST', '/remove-shard?src=x:1', 400, `{"error":"'shard' is a required parameter"}\n`],
  ['POST', '/remove-shard?src=x:1&shard=1', 400, '{"error":"unable to find node for \\"x:1\\""}\n'], // prettier-ignore
  ['POST', '/remove-shard?src=d1:8088&shard=x', 400, '{"error":"error converting shard to int: x"}\n'], // prettier-ignore
  ['POST', '/remove-shard?src=d1:8088&shard=0', 400, `{"error":"invalid parameter value for 'shard': shard id must be greater than 0"}\n`], // prettier-ignore
  ['POST', '/remove-shard?src=d1:8088&shard=9', 400, '{"error":"shard not found for id: 9"}\n'],
  ['POST', '/copy-shard', 400, `{"error":"'src' is a required parameter"}\n`],
  ['POST', '/copy-shard?src=x:1', 400, `{"error":"'dest' is a required parameter"}\n`],
  ['POST', '/copy-shard?src=x:1&dest=x:1', 400, '{"error":"dest and src are the same"}\n'],
  ['POST', '/copy-shard?src=x:1&dest=y:1', 400, `{"error":"'shard' is a required parameter"}\n`],
  ['POST', '/copy-shard?src=x:1&dest=y:1&shard=1', 400, '{"error":"unable to find node for \\"x:1\\""}\n'], // prettier-ignore
  ['POST', '/copy-shard?src=d1:8088&dest=y:1&shard=1', 400, '{"error":"unable to find node for \\"y:1\\""}\n'], // prettier-ignore
  ['POST', '/kill-copy-shard', 400, `{"error":"'src' is a required parameter"}\n`],
  [
    'POST',
    '/kill-copy-shard?src=x:1&dest=y:1',
    400,
    `{"error":"'shard' is a required parameter"}\n`,
  ],
  ['POST', '/truncate-shards?delay=x', 400, '{"error":"time: invalid duration \\"x\\""}\n'],
  ['POST', '/truncate-shards?delay=-1h', 400, '{"error":"delay must not be negative"}\n'],
  ['POST', '/join?addr=0.0.0.0:8091', 400, '{"error":"0.0.0.0:8091 names no host that other nodes could call"}\n'], // prettier-ignore
  ['POST', '/add-data?addr=:8088', 400, '{"error":":8088 names no host that other nodes could call"}\n'], // prettier-ignore
  ['POST', '/update-data?oldAddr=d1:8088&newAddr=[::]:8088', 400, '{"error":"[::]:8088 names no host that other nodes could call"}\n'], // prettier-ignore
  ['POST', '/add-data?addr=D1:8088&passive=true', 400, '{"error":"D1:8088 is a member already, and not a passive one"}\n'], // prettier-ignore
  ['POST', '/node-labels?nodeid=x', 400, '{"error":"invalid node ID"}\n'],
  ['POST', '/node-labels?nodeid=4&action=set&labels=[]', 400, '{"error":"labels must be a JSON object of texts"}\n'], // prettier-ignore
  ['POST', '/node-labels?nodeid=4&action=delete&labels={}', 400, '{"error":"labels must be a JSON list of names"}\n'], // prettier-ignore
  ['POST', '/node-labels?nodeid=4&action=x&labels={}', 400, '{"error":"invalid action: x"}\n'],
  ['POST', '/announce', 400, '{"error":"invalid announcement"}\n'],
] as const)('meta api: %s %s is %i %s', async (method, url, statusCode, body) => {
  expect(await create().api.inject({ method, url })).toMatchObject({ statusCode, body });
});

test('meta api: the first join founds the cluster with the node that is asked, then adds the other', async () => {
  const probe = { nodeType: 'meta', leader: '', raftAddr: 'm2:8089', peers: null };
  const { api, node } = create(unjoined, probe);
  const answer = await api.inject({ method: 'POST', url: '/join', headers: form, payload: 'addr=m2:8091' }); // prettier-ignore
  expect(answer).toMatchObject({
    statusCode: 200,
    body: '{"id":2,"addr":"m2:8091","httpScheme":"","tcpAddr":"m2:8089","version":""}\n',
  });
  expect(node.did).toEqual(['found', 'add m2:8091 m2:8089']);
});

test('meta api: what cannot be joined founds nothing', async () => {
  const join = async (probed?: MetaProbe) => {
    const { api, node } = create(unjoined, probed);
    const { statusCode, body } = await api.inject({ method: 'POST', url: '/join', headers: form, payload: 'addr=m2:8091' }); // prettier-ignore
    expect(node.did).toEqual([]);
    return `${statusCode} ${body}`;
  };
  const other = { nodeType: 'meta', leader: 'x:8089', raftAddr: 'm2:8089', peers: ['x:8089', 'm2:8089'] }; // prettier-ignore
  expect(await join(other)).toBe(
    '409 {"error":"meta node at \\"m2:8091\\" is a member of another cluster: leader=x:8089 peers=[x:8089 m2:8089]"}\n',
  );
  expect(await join({ ...other, nodeType: 'data' })).toBe(
    '400 {"error":"m2:8091 is not a meta node"}\n',
  );
  expect(await join()).toBe('500 {"error":"m2:8091: nobody"}\n');
});

test('meta api: a member by another address is told as what it is', async () => {
  const member = { nodeType: 'meta', leader: 'm1:8089', raftAddr: 'm1:8089', peers: ['m1:8089'] };
  const { api, node } = create({}, member);
  const answer = await api.inject({ method: 'POST', url: '/join', headers: form, payload: 'addr=localhost:8091' }); // prettier-ignore
  expect(answer).toMatchObject({
    statusCode: 409,
    body: '{"error":"meta node at \\"localhost:8091\\" is a member already: m1:8091"}\n',
  });
  expect(node.did).toEqual([]);
});

test('meta api: a member that has lost what it stored is not said to be added', async () => {
  const catalog = { ...new FakeNode().catalog, metaNodes: [node2] };
  const wiped = { nodeType: 'meta', leader: '', raftAddr: 'm2:8089', peers: null };
  const status = { leader: 'm1:8089', peers: ['m2:8089'] };
  const join = async (probed: MetaProbe) => {
    const { api } = create({ catalog, status }, probed);
    return api.inject({ method: 'POST', url: '/join', headers: form, payload: 'addr=m2:8091' });
  };
  const { statusCode, body } = await join(wiped);
  expect(statusCode).toBe(409);
  expect(body).toContain('is a member that has lost what it stored: remove it first (influxd-ctl remove-meta -force -tcpAddr m2:8089 m2:8091), then add it'); // prettier-ignore
  expect((await join({ ...wiped, leader: 'm1:8089', peers: ['m1:8089'] })).statusCode).toBe(200);
});

test('meta api: a member that is down is added again without a word from it', async () => {
  const catalog = { ...new FakeNode().catalog, metaNodes: [node2] };
  const { api, node } = create({ catalog, status: { leader: 'm1:8089', peers: ['m2:8089'] } });
  const answer = await api.inject({ method: 'POST', url: '/join', headers: form, payload: 'addr=m2:8091' }); // prettier-ignore
  expect(answer.json()).toMatchObject({ id: 2, tcpAddr: 'm2:8089' });
  expect(node.did).toEqual([]);
});
