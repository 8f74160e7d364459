import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-v2-api-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await query('CREATE DATABASE t');
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

async function query(q: string): Promise<string> {
  const body = new URLSearchParams({ db: 't', q, epoch: 'ns' });
  return (await fetch(`${node.url}/query`, { method: 'POST', body })).text();
}

/** Status and body, and what a 405 allows. */
async function ask(request: string, body?: string): Promise<string> {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(`${node.url}${path}`, { method, body: body ?? null });
  const allowed = response.headers.get('allow');
  const text = (await response.text()).trim();
  return [response.status, text, allowed ?? ''].join(' ').trim();
}

const bucket = (name: string, everySeconds: number, shardGroupDurationSeconds: number): string =>
  `{"description":"","name":"${name}","retentionRules":[{"type":"","everySeconds":${everySeconds},"shardGroupDurationSeconds":${shardGroupDurationSeconds}}],"orgId":"","schemaType":"implicit","id":"${name}","type":"","rp":"${name.split('/')[1] ?? ''}","createdAt":"0001-01-01T00:00:00Z","updatedAt":"0001-01-01T00:00:00Z"}`;
const week = 604_800;

/** What 1.12.4 answers; later ones see what earlier ones did. */
test.each([
  ['POST /api/v2/write?bucket=&precision=ns', 'm v=1 1', '404 {"error":"bucket name \\"\\" is missing a slash; not in \\"database/retention-policy\\" format"}'],
  ['POST /api/v2/write?bucket=nosuch', 'm v=1 1', '404 {"error":"database not found: \\"nosuch\\""}'],
  ['POST /api/v2/write?bucket=t/nosuch', 'm v=1 1', '500 {"error":"retention policy not found: nosuch"}'],
  ['POST /api/v2/write?bucket=t&precision=m', 'm v=1 1', '400 {"error":"invalid precision \\"m\\" (use ns, us, ms or s)"}'],
  ['POST /api/v2/write?bucket=t', 'bad', `400 {"error":"unable to parse 'bad': missing fields"}`],
  ['POST /api/v2/write?bucket=t&precision=s', 'm,host=a v=1 1', '204'],
  ['POST /api/v2/write?bucket=t/autogen&org=o&precision=us', 'm,host=b v=2 2000000', '204'],
  ['POST /api/v2/write?bucket=t/', 'n,host=a v=3 3000000000', '204'],
  ['GET /api/v2/write?bucket=t', undefined, '405 Method Not Allowed OPTIONS, POST'],
  ['OPTIONS /api/v2/write', undefined, '200'],
  ['POST /api/v2/delete?bucket=nosuch', '{}', '404 {"error":"delete - database not found: \\"nosuch\\""}'],
  ['POST /api/v2/delete?bucket=t/nosuch', '{}', '404 {"error":"delete - retention policy not found in \\"t\\": \\"nosuch\\""}'],
  ['POST /api/v2/delete?bucket=t', '', '400 {"error":"delete - cannot parse request body: unexpected end of JSON input"}'],
  ['POST /api/v2/delete?bucket=t', '[]', '400 {"error":"delete - cannot parse request body: json: cannot unmarshal array into Go value of type httpd.DeleteBody"}'],
  ['POST /api/v2/delete?bucket=t', '{"start":5}', '400 {"error":"delete - cannot parse request body: json: cannot unmarshal number into Go struct field DeleteBody.start of type string"}'],
  ['POST /api/v2/delete?bucket=t', '{"start":"1970-01-01T00:00:00Z","stop":"1970-01-01T00:00:09Z","predicate":"v=3"}', '400 {"error":"delete - database: \\"t\\", retention policy: \\"\\", start: \\"1970-01-01T00:00:00Z\\", stop: \\"1970-01-01T00:00:09Z\\", predicate: \\"v=3\\", error: shard 1: fields not supported in WHERE clause during deletion"}'],
  ['POST /api/v2/delete?bucket=t/autogen', '{"start":"1970-01-01T00:00:00Z","stop":"1970-01-01T00:00:02Z","predicate":"host=\\"a\\""}', '200'],
  ['GET /api/v2/delete', undefined, '405 Method Not Allowed POST'],
  ['POST /api/v2/buckets', '{"name":"bb"}', '400 {"error":"buckets - illegal bucket name: \\"bb\\""}'],
  ['POST /api/v2/buckets', '{"name":5}', '400 {"error":"buckets - cannot parse request body: json: cannot unmarshal number into Go struct field BucketsBody.BucketUpdate.name of type string"}'],
  [
    'POST /api/v2/buckets',
    '{"retentionRules":5}',
    '400 {"error":"buckets - cannot parse request body: json: cannot unmarshal number into Go struct field BucketsBody.BucketUpdate.retentionRules of type []httpd.RetentionRule"}',
  ],
  ['POST /api/v2/buckets', '{"name":"bb/.."}', '400 {"error":"buckets - retention policy \\"..\\": invalid name"}'],
  ['POST /api/v2/buckets', '{"name":"bb/r2","rp":"r3"}', '400 {"error":"buckets - two retention policies specified: \\"r2\\" differs from \\"r3\\""}'],
  ['POST /api/v2/buckets', '{"name":"bb/rr"}', `201 ${bucket('bb/rr', 0, week)}`],
  ['POST /api/v2/buckets', '{"name":"bb/r2","retentionRules":[{"everySeconds":7200,"type":"expire"}]}', `201 ${bucket('bb/r2', 7_200, 3_600)}`],
  ['POST /api/v2/buckets', '{"name":"bb/r2","retentionRules":[{"everySeconds":7100}]}', '400 {"error":"buckets - cannot create bucket \\"bb/r2\\": retention policy already exists"}'],
  ['POST /api/v2/buckets', '{"name":"bb/r3","retentionRules":[{"everySeconds":5}]}', '400 {"error":"buckets - cannot create bucket \\"bb/r3\\": retention policy duration must be at least 1h0m0s"}'],
  ['GET /api/v2/buckets', undefined, `200 {"buckets":[${bucket('t/autogen', 0, week)},${bucket('bb/rr', 0, week)},${bucket('bb/r2', 7_200, 3_600)}]}`],
  ['GET /api/v2/buckets?limit=1&offset=1', undefined, `200 {"buckets":[${bucket('bb/rr', 0, week)}]}`],
  ['GET /api/v2/buckets?after=t/autogen&limit=1', undefined, `200 {"buckets":[${bucket('bb/rr', 0, week)}]}`],
  ['GET /api/v2/buckets?name=t', undefined, `200 {"buckets":[${bucket('t/autogen', 0, week)}]}`],
  ['GET /api/v2/buckets?limit=x', undefined, '400 {"error":"list buckets parameter is not an integer - limit=\\"x\\": strconv.ParseInt: parsing \\"x\\": invalid syntax"}'],
  ['GET /api/v2/buckets?after=zz', undefined, '404 {"error":"list buckets \\"after\\" parameter not found: \\"zz\\""}'],
  ['GET /api/v2/buckets?after=bb/rr&offset=1', undefined, '400 {"error":"list buckets cannot have both \\"offset\\" and \\"after\\" arguments"}'],
  ['GET /api/v2/buckets?id=t/autogen&name=t/x', undefined, '400 {"error":"list buckets: name: \\"t/x\\" and id: \\"t/autogen\\" do not match"}'],
  ['GET /api/v2/buckets/bb%2Fr2', undefined, `200 ${bucket('bb/r2', 7_200, 3_600)}`],
  ['GET /api/v2/buckets/bb%2Fnn', undefined, '404 {"error":"bucket not found: \\"bb/nn\\""}'],
  ['GET /api/v2/buckets/bb', undefined, '400 {"error":"bucket \\"bb\\": illegal bucket id, empty retention policy"}'],
  ['GET /api/v2/buckets/bb/rr', undefined, '404 404 page not found'],
  ['PATCH /api/v2/buckets/bb%2Frr', '{"retentionRules":[{"everySeconds":36000,"shardGroupDurationSeconds":7200}]}', `200 ${bucket('bb/rr', 36_000, 7_200)}`],
  ['PATCH /api/v2/buckets/bb%2Fnn', '{}', '400 {"error":"update bucket \\"bb/nn\\": retention policy not found: nn"}'],
  ['POST /api/v2/buckets', '{"name":"bb/r4","retentionRules":[null]}', `201 ${bucket('bb/r4', 0, week)}`],
  ['POST /api/v2/buckets', '{"name":"bb/r5","retentionRules":[{},"x"]}', '400 {"error":"buckets - cannot parse request body: json: cannot unmarshal string into Go struct field BucketsBody.BucketUpdate.retentionRules of type httpd.RetentionRule"}'],
  ['POST /api/v2/buckets', '{"name":"bb/r5","retentionRules":[{},{"everySeconds":1.5}]}', '400 {"error":"buckets - cannot parse request body: json: cannot unmarshal number 1.5 into Go struct field RetentionRule.BucketUpdate.retentionRules.everySeconds of type int64"}'],
  ['PATCH /api/v2/buckets/bb%2Fr4', '{"retentionRules":[null]}', `200 ${bucket('bb/r4', 0, 0)}`],
  ['PATCH /api/v2/buckets/bb%2Fr4', '{"retentionRules":[{"everySeconds":1.5}]}', '400 {"error":"update bucket - cannot parse request body: json: cannot unmarshal number 1.5 into Go struct field RetentionRule.retentionRules.everySeconds of type int64"}'],
  ['PATCH /api/v2/buckets/bb%2Fr4', '[]', '400 {"error":"update bucket - cannot parse request body: json: cannot unmarshal array into Go value of type httpd.BucketUpdate"}'],
  ['PATCH /api/v2/buckets/bb%2Fr4', '{"name":5}', '400 {"error":"update bucket - cannot parse request body: json: cannot unmarshal number into Go struct field BucketUpdate.name of type string"}'],
  ['GET /api/v2/buckets/', undefined, '404 404 page not found'],
  ['PATCH /api/v2/buckets/', '{}', '404 404 page not found'],
  ['DELETE /api/v2/buckets/bb%2Frr', undefined, '200'],
  ['DELETE /api/v2/buckets/bb%2Frr', undefined, '404 {"error":"delete bucket - not found: \\"bb/rr\\""}'],
  ['GET /api/v2/buckets/bb%2Fr2/labels', undefined, '405 {"error":"bucket labels not supported in this version"}'],
  ['DELETE /api/v2/buckets/bb%2Fr2/owners/x', undefined, '405 {"error":"bucket owners not supported in this version"}'],
  ['POST /api/v2/buckets/x%2Fy', undefined, '405 Method Not Allowed GET, DELETE, PATCH'],
])('v2 api: %s %s', async (request, body, expected) => {
  expect(await ask(request, body)).toBe(expected);
}); // prettier-ignore

test('v2 api: what was written is there, and what was deleted is not', async () => {
  expect(await query('SELECT * FROM m, n GROUP BY *')).toBe(
    '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"host":"b"},"columns":["time","v"],"values":[[2000000000,2]]},{"name":"n","tags":{"host":"a"},"columns":["time","v"],"values":[[3000000000,3]]}]}]}\n',
  );
  expect(await query('SHOW RETENTION POLICIES ON bb')).toContain('["r2","2h0m0s","1h0m0s",1,');
});
