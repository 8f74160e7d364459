import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 240_000;
const waitMs = 150_000;
const offset = 22_000;
const cluster = new DevCluster(offset, '--metas', '3', '--data', '4');
const dayNs = 86_400_000_000_000n;
const days = 4n;

const address = (node: number) => `127.0.0.1:${8088 + offset + 100 * (node - 1)}`;
const numberOf = (tcpAddress: string) => [1, 2, 3, 4].find((node) => address(node) === tcpAddress) ?? 0; // prettier-ignore

beforeAll(async () => {
  // So that a plan takes some seconds.
  await cluster.start({
    INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '1m',
    INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s',
  });
  const made = await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 1d');
  expect(made).not.toContain('error');
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

/** Times of points that were acknowledged, of all nodes. */
const acknowledged = new Set<string>();
let lastPoint = 0;

/** Writes a few points of each day by a node; what is answered counts. */
async function write(node: number, pointCount: number): Promise<boolean> {
  const times = Array.from({ length: pointCount }, () => {
    const number = ++lastPoint;
    return `${(BigInt(number) % days) * dayNs + BigInt(number)}`;
  });
  const text = 'x'.repeat(200);
  const lines = times.map((time) => `m,c=c${BigInt(time) % 7n} f=1,s="${text}${time}" ${time}`);
  const answer = await cluster.write(node, lines.join('\n'), 'one').catch(() => 'it is away');
  if (answer !== '204') return false;
  for (const time of times) acknowledged.add(time);
  return true;
}

/** By one node after the other of these, until it is told to end. */
function load(nodes: readonly number[]): () => Promise<number> {
  const ending = new AbortController();
  let count = 0;
  const run = (async () => {
    for (let i = 0; !ending.signal.aborted; i++)
      if (await write(nodes[i % nodes.length] ?? 0, 20)) count++;
  })();
  return async () => {
    ending.abort();
    await run;
    return count;
  };
}

/** Data nodes of the cluster by shard, from whichever meta node answers. */
async function owners(): Promise<ReadonlyMap<number, readonly number[]>> {
  const answer = await fetch(`${await metaUrl()}/show-shards`);
  const all = (await answer.json()) as { id: number; database: string; owners: { tcpAddr: string }[] }[]; // prettier-ignore
  const own = all.filter(({ database }) => database === 'd');
  return new Map(own.map((one) => [one.id, one.owners.map((owner) => numberOf(owner.tcpAddr)).sort()])); // prettier-ignore
}

async function metaUrl(): Promise<string> {
  for (const meta of [1, 2, 3]) {
    const url = cluster.url('meta', meta);
    const isUp = await fetch(`${url}/ping`).then(({ ok }) => ok, () => false); // prettier-ignore
    if (isUp) return url;
  }
  throw new Error('no meta node answers');
}

async function ctl(...args: readonly string[]): Promise<string> {
  const { host } = new URL(await metaUrl());
  const { code, text } = await cluster.ctl(['-bind', host, ...args]);
  if (code !== 0) throw new Error(text);
  return text;
}

/** Resolves with the last status once the plan has ended. */
async function ended(): Promise<string> {
  let said = '';
  await eventually(async () => {
    said = await ctl('rebalance', 'status');
    if (!/^Goal: [a-z]+, ended, /.test(said)) throw new Error(said);
  }, waitMs);
  return said;
}

/** What was acknowledged is answered by each node, owners have the same points, and nobody else has any. */
async function check(nodes: readonly number[], away: readonly number[] = []): Promise<void> {
  for (const node of nodes)
    await eventually(async () => {
      const answer = await cluster.query(node, 'SELECT f FROM m');
      const stored = new Set([...answer.matchAll(/\[(\d+),1\]/g)].map(([, time]) => time));
      expect([...acknowledged].filter((time) => !stored.has(time))).toEqual([]);
    }, waitMs);
  await eventually(async () => {
    const shown = await ctl('entropy', 'show', '-v');
    expect(shown.split('\n').slice(3).join('')).toBe('');
  }, waitMs);
  for (const [shardId, owned] of await owners()) {
    expect(owned).toHaveLength(2);
    const held = [1, 2, 3, 4].filter((node) => !away.includes(node) && foldersOf(node, shardId) > 0); // prettier-ignore
    expect([shardId, ...held]).toEqual([shardId, ...owned]);
  }
}

/** Folders that a node has of a shard: itself, and what goes to and comes from others. */
function foldersOf(node: number, shardId: number): number {
  const folder = join(cluster.dir, `data-${node}/data`);
  const names = readdirSync(folder, { recursive: true }) as string[];
  return names.filter((name) => new RegExp(`^d/autogen/${shardId}(\\.[^/]*)?$`).test(name)).length;
}

test(
  'decommission: under load, with the meta leader killed in the midst, all goes to the others and the node leaves',
  async () => {
    for (let i = 0; i < 20; i++) expect(await write(1, 1_000)).toBe(true);
    const before = await owners();
    const own = ownedBy(before, 4);
    expect(own.length).toBeGreaterThan(0);
    const dry = await ctl('decommission', '-plan', address(4));
    expect(dry).toMatch(new RegExp(`\n${own.length} moves to make, \\d+ bytes\n$`));
    expect(await owners()).toEqual(before);
    expect(await ctl('rebalance', 'status')).toBe('No plan.\n');
    const writing = load([1, 2, 3]);
    expect(await ctl('decommission', address(4))).toMatch(/\n\d+ moves begun, \d+ bytes\n$/);
    await expect(ctl('rebalance', 'run')).rejects.toThrow('a plan is under way: decommission');
    await eventually(async () => {
      const said = await ctl('rebalance', 'status');
      if (!/ copying /.test(said)) throw new Error(said);
    }, waitMs);
    const status = (await (await fetch(`${await metaUrl()}/status`)).json()) as { leader: string };
    const leader = [1, 2, 3].find((meta) => status.leader === `127.0.0.1:${8089 + offset + 100 * (meta - 1)}`) ?? 0; // prettier-ignore
    await cluster.kill(`meta-${leader}`);
    const said = await ended();
    cluster.startByHand(`meta-${leader}`);
    expect(said).toMatch(/^Goal: decommission, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /);
    expect(await writing()).toBeGreaterThan(0);
    expect(await ctl('show')).not.toContain(address(4));
    for (const nodes of (await owners()).values()) expect(nodes).not.toContain(4);
    await check([1, 2, 3]);
  },
  limitMs,
);

test(
  'replace-data: of a node that is lost, all goes to one that joins, and the lost one leaves',
  async () => {
    const before = await owners();
    await cluster.kill('data-1');
    const writing = load([2, 3]);
    await expect(ctl('replace-data', address(1), address(1))).rejects.toThrow('oldAddr and newAddr are the same'); // prettier-ignore
    await ctl('replace-data', address(1), address(4));
    expect(await ended()).toMatch(/^Goal: replace, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /);
    expect(await writing()).toBeGreaterThan(0);
    const shown = await ctl('show');
    expect(shown).toContain(address(4));
    expect(shown).not.toContain(address(1));
    const expected = [...before].map(([id, nodes]) => [id, nodes.map((node) => (node === 1 ? 4 : node)).sort()]); // prettier-ignore
    expect([...(await owners())]).toEqual(expected);
    await check([2, 3, 4], [1]);
  },
  limitMs,
);

test(
  'rebalance: planned, run, paused and resumed, it gives a node that owns nothing its share',
  async () => {
    await ctl('decommission', '-keep', address(2)).then(ended);
    expect(await ctl('show')).toContain(address(2));
    for (const nodes of (await owners()).values()) expect(nodes).toEqual([3, 4]);
    const plan = await ctl('rebalance', 'plan');
    expect(plan).toMatch(new RegExp(`^\\d+ +d +autogen +\\d+ +127.* ${address(2)} `, 'm'));
    const writing = load([2, 3, 4]);
    const begun = await ctl('rebalance', 'run');
    expect(begun.split('\n').at(-2)).toMatch(/^[2-9] moves begun, \d+ bytes$/);
    expect(await ctl('rebalance', 'pause')).toBe('Paused.\n');
    await eventually(async () => {
      const said = await ctl('rebalance', 'status');
      // What was under way goes on to its end, and nothing else begins.
      if (!said.startsWith('Goal: balance, paused, ') || / (copying|copied) /.test(said)) throw new Error(said); // prettier-ignore
    }, waitMs);
    expect(await ctl('rebalance', 'resume')).toBe('Resumed.\n');
    expect(await ended()).toMatch(/^Goal: balance, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /);
    expect(await writing()).toBeGreaterThan(0);
    const shared = await owners();
    const counts = [2, 3, 4].map((node) => ownedBy(shared, node).length);
    expect(Math.min(...counts)).toBeGreaterThan(1);
    await expect(ctl('rebalance', 'stop')).rejects.toThrow('no plan is under way');
    await check([2, 3, 4], [1]);
  },
  limitMs,
);

function ownedBy(all: ReadonlyMap<number, readonly number[]>, node: number): readonly number[] {
  return [...all].filter(([, nodes]) => nodes.includes(node)).map(([id]) => id);
}
