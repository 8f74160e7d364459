import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { join } from './join.ts';
import type { MetaCaller } from './meta-http.ts';

type Answers = Readonly<Record<string, unknown>>;

type Posted = readonly [path: string, body: unknown];

/** Nodes by address; an address that is not there refuses the connection. */
function callerOf(answers: Answers, posted: Posted[] = [], bind = ''): MetaCaller {
  const answer = (path: string): Promise<unknown> => {
    const found = answers[`${bind}${path}`];
    if (found instanceof Error) return Promise.reject(found);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new DbError('unavailable', 'operation timed out with error: refused'));
  };
  const post: MetaCaller['post'] = (path, body) => {
    posted.push([path, body]);
    return answer(path);
  };
  return { get: answer, post, at: (address) => callerOf(answers, posted, address) };
}

async function run(answers: Answers, ...args: readonly string[]) {
  let [out, err] = ['', ''];
  const posted: Posted[] = [];
  const ports = {
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
    meta: callerOf(answers, posted),
    readLine: () => Promise.resolve(''),
    hostname: 'h',
  };
  await join(args, ports);
  return { out, err, posted };
}

const metaNode = { nodeType: 'meta' };
const dataNode = { nodeType: 'data' };
const both = { 'h:8091/status': metaNode, 'h:8088/status': dataNode };

test('join: the first node creates the cluster', async () => {
  const answers = {
    ...both,
    'localhost:8091/status': metaNode,
    'localhost:8091/join': { id: 1 },
    'localhost:8091/add-data': { id: 2 },
  };
  expect(await run(answers)).toMatchObject({
    err: '',
    out: `Joining meta node at localhost:8091
Searching for meta node on h:8091...
Searching for data node on h:8088...

Successfully created cluster

  * Added meta node 1 at h:8091
  * Added data node 2 at h:8088

  To join additional nodes to this cluster, run the following command:

  influxd-ctl join h:8091
`,
  });
});

test('join: with -p the data node is added as a passive one, the meta node as ever', async () => {
  const answers = { ...both, 'm:8091/status': metaNode, 'm:8091/join': { id: 3 }, 'm:8091/add-data': { id: 4 } }; // prettier-ignore
  const { out, posted } = await run(answers, '-p', 'm:8091');
  expect(posted).toEqual([
    ['/join', { addr: 'h:8091' }],
    ['/add-data', { addr: 'h:8088', passive: 'true' }],
  ]);
  expect(out).toContain('  * Added data node 4 at h:8088\n');
  expect((await run(answers, 'm:8091')).posted.at(-1)).toEqual(['/add-data', { addr: 'h:8088' }]);
});

const metaOnly = { 'h:8091/status': metaNode, 'm:8091/status': metaNode, 'm:8091/join': { id: 3 } };

test('join: a later one joins it, and what is missing is named', async () => {
  const { out } = await run(metaOnly, 'm:8091');
  expect(out).toContain(`
Successfully joined cluster

  * Added meta node 3 at h:8091
  * No data node added.  Run with -v to see more information
`);
});

test('join: -v says why a node was not added', async () => {
  const { out, err } = await run(metaOnly, '-v', 'm:8091');
  expect(out).toContain(`No data node found on h:8088!

  If a data node is running on this host,
  you may need to add it manually using the following command:

  influxd-ctl -bind m:8091 add-data h:<port>

`);
  expect(err).toContain('using a non-standard port (default 8088)');
  const reason = new DbError('unavailable', 'operation exited with error: already joined to cluster'); // prettier-ignore
  const refusing = { ...both, 'm:8091/status': metaNode, 'm:8091/join': { id: 3 }, 'm:8091/add-data': reason }; // prettier-ignore
  expect((await run(refusing, '-v', 'm:8091')).out).toContain(`Failed to add data node h:8088!

  Reason:

    operation exited with error: already joined to cluster
`);
});

test('join: nothing to add, no meta node, and nobody there', async () => {
  const { out } = await run({ 'm:8091/status': metaNode }, 'm:8091');
  expect(out).toContain('Failed to join cluster.  Run with -v to see more information\n');
  await expect(run({ 'm:8088/status': dataNode }, 'm:8088')).rejects.toThrow(
    'operation exited with error: m:8088 is not a meta node',
  );
  await expect(run({}, 'm:8091')).rejects.toThrow(`
Unable to connect to m:8091

  operation timed out with error: refused

Common problems:

  * Make sure the address (host and port) are for a meta node
  * Verify a meta node is listening on m:8091
  * Verify this host can connect to m:8091 using TCP`);
});
