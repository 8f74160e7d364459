import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { MovingCluster, ownedBy, waitMs } from '../support/moving-cluster.ts';

const limitMs = 240_000;
const moving = new MovingCluster({ offset: 22_000, dataCount: 4, dayCount: 4 });
const { cluster } = moving;
const address = (node: number) => moving.address(node);
const ctl = (...args: readonly string[]) => moving.ctl(...args);

beforeAll(async () => {
  // So that a plan takes some seconds.
  await moving.start({
    INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '256k',
    INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s',
  });
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

/** Ends with the test, also one that fails. */
function load(nodes: readonly number[]): () => Promise<number> {
  const end = moving.load(nodes);
  onTestFinished(async () => {
    await end();
  });
  return end;
}

/** What a plan says at its end whose leader is killed while shards are copied. */
async function endedWithoutLeader(): Promise<string> {
  await eventually(async () => {
    // Sooner than influxd-ctl would have started.
    const said = await (await fetch(`${await moving.metaUrl()}/rebalance`)).text();
    if (!said.includes('"state":"copying"')) throw new Error(said);
  }, waitMs);
  const leader = await moving.metaLeader();
  await cluster.kill(`meta-${leader}`);
  const said = await moving.ended();
  cluster.startByHand(`meta-${leader}`);
  await moving.caughtUp(leader);
  return said;
}

test(
  'decommission: under load, with the meta leader killed in the midst, all goes to the others and the node leaves',
  async () => {
    for (let i = 0; i < 20; i++) expect(await moving.write(1, 1_000)).toBe(true);
    const before = await moving.owners();
    const own = ownedBy(before, 4);
    expect(own.length).toBeGreaterThan(0);
    const dry = await ctl('decommission', '-plan', address(4));
    expect(dry).toMatch(new RegExp(`\n${own.length} moves to make, \\d+ bytes\n$`));
    expect(await moving.owners()).toEqual(before);
    expect(await ctl('rebalance', 'status')).toBe('No plan.\n');
    const endLoad = load([1, 2, 3]);
    expect(await ctl('decommission', address(4))).toMatch(/\n\d+ moves begun, \d+ bytes\n$/);
    await expect(ctl('rebalance', 'run')).rejects.toThrow('a plan is under way: decommission');
    const said = await endedWithoutLeader();
    expect(said).toMatch(/^Goal: decommission, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /);
    expect(await endLoad()).toBeGreaterThan(0);
    expect(await ctl('show')).not.toContain(address(4));
    expect(ownedBy(await moving.owners(), 4)).toEqual([]);
    await moving.check([1, 2, 3]);
  },
  limitMs,
);

test(
  'replace-data: of a node that is lost, with the meta leader killed in the midst, all goes to one that joins, and the lost one leaves',
  async () => {
    const before = await moving.owners();
    await cluster.kill('data-1');
    const endLoad = load([2, 3]);
    await expect(ctl('replace-data', address(1), address(1))).rejects.toThrow('oldAddr and newAddr are the same'); // prettier-ignore
    await ctl('replace-data', address(1), address(4));
    expect(await endedWithoutLeader()).toMatch(/^Goal: replace, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /); // prettier-ignore
    expect(await endLoad()).toBeGreaterThan(0);
    const shown = await ctl('show');
    expect(shown).toContain(address(4));
    expect(shown).not.toContain(address(1));
    const expected = [...before].map(([id, nodes]) => [id, nodes.map((node) => (node === 1 ? 4 : node)).sort()]); // prettier-ignore
    expect([...(await moving.owners())]).toEqual(expected);
    await moving.check([2, 3, 4], [1]);
  },
  limitMs,
);

test(
  'rebalance: planned, run, paused and resumed, it gives a node that owns nothing its share',
  async () => {
    await ctl('decommission', '-keep', address(2));
    await moving.ended();
    expect(await ctl('show')).toContain(address(2));
    for (const nodes of (await moving.owners()).values()) expect(nodes).toEqual([3, 4]);
    const plan = await ctl('rebalance', 'plan');
    expect(plan).toMatch(new RegExp(`^\\d+ +d +autogen +\\d+ +127.* ${address(2)} `, 'm'));
    const endLoad = load([2, 3, 4]);
    const begun = await ctl('rebalance', 'run');
    expect(begun.split('\n').at(-2)).toMatch(/^[2-9] moves begun, \d+ bytes$/);
    expect(await ctl('rebalance', 'pause')).toBe('Paused.\n');
    await eventually(async () => {
      const said = await ctl('rebalance', 'status');
      // What was under way goes on to its end, and nothing else begins.
      if (!said.startsWith('Goal: balance, paused, ') || / (copying|copied) /.test(said)) throw new Error(said); // prettier-ignore
    }, waitMs);
    expect(await ctl('rebalance', 'resume')).toBe('Resumed.\n');
    expect(await moving.ended()).toMatch(/^Goal: balance, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /); // prettier-ignore
    expect(await endLoad()).toBeGreaterThan(0);
    const shared = await moving.owners();
    const counts = [2, 3, 4].map((node) => ownedBy(shared, node).length);
    expect(Math.min(...counts)).toBeGreaterThan(1);
    await expect(ctl('rebalance', 'stop')).rejects.toThrow('no plan is under way');
    await moving.check([2, 3, 4], [1]);
  },
  limitMs,
);

test(
  'replace-data: of a node that is up, under load through it, all goes to one that is new, and the old one erases what it had',
  async () => {
    // The machine of the lost node comes back with empty disks.
    for (const name of ['meta', 'data', 'wal', 'hh'])
      rmSync(join(cluster.dir, 'data-1', name), { recursive: true, force: true });
    cluster.startByHand('data-1');
    await eventually(() => fetch(`${cluster.url('data', 1)}/ping`), waitMs);
    const before = await moving.owners();
    const own = ownedBy(before, 2);
    expect(own.length).toBeGreaterThan(1);
    const dry = await ctl('replace-data', '-plan', address(2), address(1));
    expect(dry).toMatch(new RegExp(`\n${own.length} moves to make, \\d+ bytes\n$`));
    expect(await ctl('show')).not.toContain(address(1));
    const endLoad = load([2, 3, 4]);
    await ctl('replace-data', address(2), address(1));
    const said = await moving.ended();
    expect(said).toMatch(/^Goal: replace, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /);
    expect(await endLoad()).toBeGreaterThan(0);
    const shown = await ctl('show');
    expect(shown).toContain(address(1));
    expect(shown).not.toContain(address(2));
    const expected = [...before].map(([id, nodes]) => [id, nodes.map((node) => (node === 2 ? 1 : node)).sort()]); // prettier-ignore
    expect([...(await moving.owners())]).toEqual(expected);
    await moving.check([1, 3, 4]);
  },
  limitMs,
);

test(
  'decommission: of a node that is lost, with the meta leader killed in the midst, all goes to the others, and the lost one leaves',
  async () => {
    expect(ownedBy(await moving.owners(), 3).length).toBeGreaterThan(0);
    await cluster.kill('data-3');
    const endLoad = load([1, 4]);
    await ctl('decommission', address(3));
    expect(await endedWithoutLeader()).toMatch(/^Goal: decommission, ended, .*\nMoves: (\d+) of \1 done, 0 failed, /); // prettier-ignore
    expect(await endLoad()).toBeGreaterThan(0);
    expect(await ctl('show')).not.toContain(address(3));
    for (const nodes of (await moving.owners()).values()) expect(nodes).toEqual([1, 4]);
    await moving.check([1, 4], [3]);
  },
  limitMs,
);
