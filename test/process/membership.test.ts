import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const ports = [22_000, 22_100];
const dataPorts = [22_200, 22_300, 22_400];
const http = (port: number) => `127.0.0.1:${port + 91}`;

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  for (const port of ports) {
    const file = workshop.config({ port, name: `m${port}` });
    workshop.start('influxd-meta', '-config', file);
  }
  for (const port of dataPorts)
    workshop.start('influxd', '-config', workshop.config({ port, name: `d${port}` }));
  for (const port of dataPorts)
    await eventually(() => fetch(`http://127.0.0.1:${port + 86}/ping`), 30_000);
  for (const port of ports) await eventually(() => fetch(`http://${http(port)}/status`), 30_000);
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test(
  'membership: meta nodes joined many times at once, the founding one too, are members once',
  async () => {
    const join = async (addr: string) => {
      const body = new URLSearchParams({ addr });
      const answer = await fetch(`http://${http(22_000)}/join`, { method: 'POST', body });
      return `${answer.status} ${((await answer.json()) as { id?: number }).id}`;
    };
    const asked = [22_100, 22_000, 22_100, 22_100, 22_000, 22_100].map((port) => join(http(port)));
    const answers = await Promise.all(asked);
    expect(answers).toEqual(['200 2', '200 1', '200 2', '200 2', '200 1', '200 2']);
    const peers = await (await fetch(`http://${http(22_000)}/peers`)).json();
    expect(peers).toEqual(['127.0.0.1:22089', '127.0.0.1:22189']);
    await eventually(async () => {
      expect(await (await fetch(`http://${http(22_100)}/peers`)).json()).toEqual(peers);
    }, 10_000);
  },
  limitMs,
);

/** The output of an influxd-ctl command that succeeds. */
function ctl(...args: readonly string[]): string {
  const { status, stdout, stderr } = run('influxd-ctl', '-bind', http(22_100), '-timeout', '30s', ...args); // prettier-ignore
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const data = (port: number) => `127.0.0.1:${port + 88}`;

async function query(port: number, q: string): Promise<string> {
  const body = new URLSearchParams({ q, db: 'db' });
  return (await fetch(`http://127.0.0.1:${port + 86}/query`, { method: 'POST', body })).text();
}

/** What a balancer asks. */
async function health(port: number): Promise<readonly [number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port + 86}/health`);
  const { status, message } = (await answer.json()) as { status: string; message: string };
  return [answer.status, `${status}: ${message}`];
}

const isNoMember = [503, 'fail: not a member of a cluster'];
const isMember = [200, 'pass: ready for queries and writes'];

async function write(port: number, lines: string): Promise<void> {
  const url = `http://127.0.0.1:${port + 86}/write?db=db&consistency=all`;
  expect((await fetch(url, { method: 'POST', body: lines })).status).toBe(204);
}

test(
  'membership: data nodes are added, labelled, passive; groups are truncated, shards removed',
  async () => {
    expect(await health(22_200)).toEqual(isNoMember);
    expect(ctl('add-data', data(22_200))).toBe(`Added data node 3 at ${data(22_200)}\n`);
    expect(ctl('add-data', data(22_300))).toBe(`Added data node 4 at ${data(22_300)}\n`);
    expect(ctl('add-data', '-p', data(22_400))).toBe(`Added data node 5 at ${data(22_400)}\n`);
    ctl('node-labels', 'set', '-nodeid', '4', '-labels', '{"az":"east","team":"x"}');
    ctl('node-labels', 'delete', '-nodeid', '4', '-labels', '["team"]');
    await eventually(() => {
      const shown = ctl('show');
      expect(shown).toMatch(/^4 +127.0.0.1:22388 +127.0.0.1:22386 +v1.12.4 +\{"az":"east"\} +false$/m); // prettier-ignore
      expect(shown).toMatch(/^5 +127.0.0.1:22488 +127.0.0.1:22486 +v1.12.4 +\{\} +true$/m);
      return Promise.resolve();
    }, 20_000);
    for (const port of dataPorts) expect(await health(port)).toEqual(isMember);
    expect(await query(22_400, 'CREATE DATABASE db')).not.toContain('error');
    // Through the passive node, which owns nothing of it.
    await write(22_400, 'm f=1 0');
    expect(await query(22_400, 'SELECT f FROM m')).toContain('"values":[["1970-01-01T00:00:00Z",1]]'); // prettier-ignore
    expect(ctl('show-shards')).toMatch(/\[\{3 127.0.0.1:22288\} \{4 127.0.0.1:22388\}\]\n$/);
    expect(ctl('show-shards', '-v')).toMatch(/\{3 127.0.0.1:22288 State:hot LastModified:20\S+Z Size:\d+ Err:<nil>\}/); // prettier-ignore
    expect(ctl('show-shards', '-m')).toMatch(/Found\n$/);
    await write(22_200, 'm f=2');
    expect(ctl('truncate-shards', '-delay', '1ms')).toBe('Truncated shards.\n');
    expect(ctl('show-shards')).toMatch(/\d{2}Z\*/);
    expect(ctl('remove-shard', data(22_300), '1')).toBe(`Removed shard 1 from ${data(22_300)}\n`);
    expect(ctl('show-shards')).toMatch(/^1 .*\[\{3 127.0.0.1:22288\}\]$/m);
    expect(ctl('show-shards', '-m')).toMatch(/Found\n$/);
    expect(await query(22_300, 'SELECT f FROM m WHERE time = 0')).toContain(',1]]');
  },
  limitMs,
);

/** What influxd-ctl says of what cannot be done, asked of the meta node that does not lead or does. */
const refused: readonly (readonly [command: string, text: string])[] = [
  ['add-data 127.0.0.1:1', 'dial tcp 127.0.0.1:1: connect: connection refused'],
  ['add-data no-such-host.invalid:8088', 'dial tcp: lookup no-such-host.invalid: no such host'],
  ['add-data junk', 'dial tcp: address junk: missing port in address'],
  ['add-data 127.0.0.1:99999', 'dial tcp: address 99999: invalid port'],
  // The meta node that was asked died of it once.
  ['add-data a_b?c:1', 'dial tcp: lookup a_b?c: no such host'],
  ['add-meta 127.0.0.1:1', '127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused'],
  ['add-meta junk', 'junk: is not an address, host:port'],
  [`add-meta 127.0.0.1:22286`, '127.0.0.1:22286: answers, but is not an influxd-meta'],
  ['remove-data 127.0.0.1:1', 'node not found: 127.0.0.1:1'],
  ['remove-data -force 127.0.0.1:1', 'node not found: 127.0.0.1:1'],
  ['remove-meta -y -force -tcpAddr 127.0.0.1:1 127.0.0.1:2', 'node not found: 127.0.0.1:1'],
  ['update-data 127.0.0.1:1 127.0.0.1:22388', 'no data node with bind address 127.0.0.1:1 exists'],
  [`update-data 127.0.0.1:22288 127.0.0.1:22388`, 'cannot update data node 127.0.0.1:22288 to 127.0.0.1:22388; 127.0.0.1:22388 is already part of cluster'],
  ['remove-shard 127.0.0.1:22288 1000', 'shard not found for id: 1000'],
  ['remove-shard 127.0.0.1:1 1', 'unable to find node for "127.0.0.1:1"'],
  ['copy-shard 127.0.0.1:22288 127.0.0.1:22388 1000', 'shard not found for id: 1000'],
  ['copy-shard 127.0.0.1:1 127.0.0.1:22388 1', 'unable to find node for "127.0.0.1:1"'],
  ['truncate-shards -delay x', 'time: invalid duration "x"'],
  ['node-labels set -nodeid 99 -labels {"a":"b"}', 'node not found'],
  ['node-labels set -nodeid 3 -labels {"a":1}', 'labels must be a JSON object of texts'],
  ['node-labels set -nodeid 3 -labels x', 'labels is not valid JSON'],
  ['node-labels set -nodeid x -labels {}', 'invalid node ID'],
  ['node-labels delete -nodeid 3 -labels {}', 'labels must be a JSON list of names'],
]; // prettier-ignore

test(
  'membership: what cannot be done is told, exits with 1, and changes nothing',
  async () => {
    // Each node has told of its version, which stays.
    await eventually(() => {
      const nodes = ctl('show').match(/^\d+ .*/gm) ?? [];
      expect(nodes.filter((line) => !line.includes('v1.12.4'))).toEqual([]);
      return Promise.resolve();
    }, 20_000);
    const before = ctl('show');
    const told = refused.map(([command]) => {
      const words = ['-bind', http(22_000), '-timeout', '30s', ...command.split(' ')];
      const { status, stdout, stderr } = run('influxd-ctl', ...words);
      return { command, status, said: stdout + stderr };
    });
    expect(told).toEqual(
      refused.map(([command, text]) => {
        const said = `${command.split(' ')[0]}: operation exited with error: ${text}\n`;
        return { command, status: 1, said };
      }),
    );
    expect(ctl('show')).toBe(before);
    const asked = run('influxd-ctl', '-bind', http(22_000), 'remove-meta', '-y', '127.0.0.1:22286');
    expect(asked).toMatchObject({ status: 1, stderr: 'remove-meta: 127.0.0.1:22286 is not a meta node\n' }); // prettier-ignore
  },
  limitMs,
);

test(
  'membership: a data node that is removed erases what it has and can come back; one is attached again by update-data',
  async () => {
    expect(ctl('remove-data', data(22_300))).toBe(`Removed data node at ${data(22_300)}\n`);
    const again = run('influxd-ctl', '-bind', http(22_000), 'remove-data', data(22_300));
    expect(again).toMatchObject({ status: 1, stderr: `remove-data: operation exited with error: node not found: ${data(22_300)}\n` }); // prettier-ignore
    expect(await query(22_300, 'SHOW DATABASES')).not.toContain('db');
    expect(await health(22_300)).toEqual(isNoMember);
    expect(ctl('show')).not.toContain('22388');
    expect(ctl('add-data', data(22_300))).toBe(`Added data node 6 at ${data(22_300)}\n`);
    await eventually(async () => {
      expect(await query(22_300, 'SHOW DATABASES')).toContain('"db"');
    }, 10_000);
    expect(await query(22_300, 'SELECT f FROM m WHERE time = 0')).toContain(',1]]');
    expect(ctl('update-data', data(22_300), data(22_300))).toBe(`Updated data node 6 to ${data(22_300)}\n`); // prettier-ignore
    const taken = run('influxd-ctl', '-bind', http(22_000), 'update-data', data(22_300), data(22_200)); // prettier-ignore
    expect(taken.stderr).toBe(`update-data: operation exited with error: cannot update data node ${data(22_300)} to ${data(22_200)}; ${data(22_200)} is already part of cluster\n`); // prettier-ignore
  },
  limitMs,
);

test(
  'membership: a meta node leaves, the leader too, and joins again as a new one; the last one stays',
  async () => {
    const leader = await (await fetch(`http://${http(22_000)}/ping`)).text();
    const [going, staying] = leader === '127.0.0.1:22089' ? [22_000, 22_100] : [22_100, 22_000];
    const at = (...args: readonly string[]) => run('influxd-ctl', '-bind', http(staying), '-timeout', '60s', ...args); // prettier-ignore
    expect(at('remove-meta', '-y', http(going))).toMatchObject({ status: 0, stdout: `Removed meta node at ${http(going)}\n` }); // prettier-ignore
    expect(await (await fetch(`http://${http(staying)}/peers`)).json()).toEqual([`127.0.0.1:${staying + 89}`]); // prettier-ignore
    expect(await (await fetch(`http://${http(going)}/status`)).json()).toMatchObject({ leader: '', peers: null }); // prettier-ignore
    const last = at('remove-meta', '-y', http(staying));
    expect(last.stderr).toBe('remove-meta: operation exited with error: a cluster keeps at least one meta node\n'); // prettier-ignore
    expect(at('add-meta', http(going)).stdout).toBe(`Added meta node 7 at ${http(going)}\n`);
    await eventually(async () => {
      expect(await query(22_200, 'CREATE DATABASE after')).not.toContain('error');
    }, 20_000);
  },
  limitMs,
);
