/** Most meta nodes, or all, are lost for good with their disks: the cluster goes on from what is left (docs/operating/troubles.md). */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(4_500, '--metas', '3', '--data', '2');
const limitMs = 240_000;
const offset = 4_500;
const catalogs = join(cluster.dir, 'catalogs');
const program = join(import.meta.dirname, '../../bin/influxd-meta');

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

/** Where the meta node is that was made on another machine. */
function moved(port: number): string {
  return `127.0.0.1:${port + offset + 60}`;
}

function loseDisk(name: string): void {
  rmSync(join(cluster.dir, name, 'meta'), { recursive: true });
}

/** As an operator copies them from the machines of data nodes, which run. */
function copyCatalogs(...names: readonly string[]): void {
  rmSync(catalogs, { recursive: true, force: true });
  for (const name of names) {
    mkdirSync(join(catalogs, name), { recursive: true });
    for (const file of ['identity', 'catalog', 'catalog.changes'])
      cpSync(join(cluster.dir, name, 'meta', file), join(catalogs, name, file));
  }
}

function recover(...flags: readonly string[]): readonly [status: number | null, text: string] {
  const config = join(cluster.dir, 'meta-1/influxdb-meta.conf');
  const { status, stdout, stderr } = spawnSync(program, ['recover', '-config', config, ...flags], { encoding: 'utf8' }); // prettier-ignore
  return [status, stdout + stderr];
}

async function everythingIsThere(databases: readonly string[]): Promise<void> {
  for (const node of [1, 2]) {
    await eventually(async () => {
      const shown = (await cluster.values(node, 'SHOW DATABASES')).flat();
      expect(shown).toEqual(databases);
    }, 30_000);
    expect(await cluster.values(node, 'SELECT sum(v) FROM m')).toEqual([[0, 3]]);
  }
}

/** Through each data node: a database, and points of a time that no shard has yet. */
async function changesAreMade(name: string, yearNs: bigint): Promise<void> {
  for (const node of [1, 2]) {
    await eventually(async () => {
      const text = await cluster.query(node, `CREATE DATABASE ${name}${node} WITH REPLICATION 2`);
      expect(text.trim()).toBe('{"results":[{"statement_id":0}]}');
    }, 60_000);
    expect(await cluster.write(node, `n v=${node} ${yearNs}`, 'all', `${name}${node}`)).toBe('204');
    expect(JSON.parse(await cluster.query(3 - node, 'SELECT v FROM n', `${name}${node}`))).toMatchObject({ results: [{ series: [{ values: [[Number(yearNs), node]] }] }] }); // prettier-ignore
  }
}

test(
  'lost metas: of three meta nodes two are gone with their disks, and the cluster goes on around the third',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    for (const node of [1, 2]) expect(await cluster.write(node, `m,h=${node} v=${node} 1`, 'all')).toBe('204'); // prettier-ignore
    for (const name of ['meta-2', 'meta-3']) {
      await cluster.kill(name);
      loseDisk(name);
    }
    expect(recover('-catalogs', catalogs)[0]).toBe(1);
    expect(recover()[1]).toMatch(/conflict|another process|held/i);
    await cluster.stopNode('meta-1');
    copyCatalogs('data-1');
    const [status, text] = recover('-catalogs', catalogs);
    expect([status, text]).toEqual([1, expect.stringMatching(/^recover: the catalogs of data nodes 5 at 127\.0\.0\.1:\d+ are not in -catalogs/m)]); // prettier-ignore
    copyCatalogs('data-1', 'data-2');
    expect(recover('-catalogs', catalogs, '-dry-run')[1]).toMatch(/nothing was changed/);
    const [done, said] = recover('-catalogs', catalogs);
    expect([done, said]).toEqual([0, expect.stringContaining('databases: 1, shards: 1, users: 0, data nodes: 2\n')]); // prettier-ignore
    cluster.startByHand('meta-1');
    await everythingIsThere(['d']);
    await changesAreMade('e', 1_000_000_000_000_000_000n);
    cluster.startByHand('meta-2');
    await eventually(async () => {
      const added = await cluster.ctl(['add-meta', `127.0.0.1:${8_091 + offset + 100}`]);
      expect(added.text).toMatch(/^Added meta node 6 at /m);
    }, 60_000);
    expect((await cluster.ctl(['show'])).text).toMatch(/^6 .*\n(.|\n)*Leader /m);
  },
  limitMs,
);

test(
  'lost metas: all are gone, and data nodes have what they knew',
  async () => {
    for (const name of ['meta-1', 'meta-2']) {
      await cluster.kill(name);
      loseDisk(name);
    }
    expect(recover()).toEqual([1, 'recover: there is no catalog to recover from\n']);
    copyCatalogs('data-1', 'data-2');
    // On a machine of another name: data nodes find it nowhere that they know.
    const config = join(cluster.dir, 'meta-1/influxdb-meta.conf');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, [8_089, 8_091].reduce((changed, port) => changed.replaceAll(`127.0.0.1:${port + offset}`, moved(port)), text)); // prettier-ignore
    expect(recover('-catalogs', catalogs)[0]).toBe(0);
    cluster.startByHand('meta-1');
    for (const port of [8_088, 8_188])
      await eventually(async () => {
        const added = await cluster.ctl(['-bind', moved(8_091), 'add-data', `127.0.0.1:${port + offset}`]); // prettier-ignore
        expect(added.text).toMatch(/^Added data node \d at /m);
      }, 60_000);
    await everythingIsThere(['d', 'e1', 'e2']);
    await changesAreMade('f', 1_100_000_000_000_000_000n);
  },
  limitMs,
);

test(
  'lost metas: the disk of all is put back to an older state, and nothing is decided until data nodes have said what they know',
  async () => {
    const folder = join(cluster.dir, 'meta-1/meta');
    const snapshot = join(cluster.dir, 'snapshot');
    await cluster.stopNode('meta-1');
    cpSync(folder, snapshot, { recursive: true });
    cluster.startByHand('meta-1');
    await changesAreMade('g', 1_200_000_000_000_000_000n);
    await cluster.kill('meta-1');
    rmSync(folder, { recursive: true });
    cpSync(snapshot, folder, { recursive: true });
    cluster.startByHand('meta-1');
    await eventually(async () => {
      const { text } = await cluster.ctl(['-bind', moved(8_091), 'truncate-shards']);
      expect(text).toMatch(/the meta nodes know less than they have told data nodes: .*influxd-meta recover/); // prettier-ignore
    }, 60_000);
    expect(await cluster.query(1, 'CREATE DATABASE h')).toContain('the meta nodes know less than they have told data nodes'); // prettier-ignore
    for (const node of [1, 2])
      expect(await cluster.write(node, `n v=9 1200000000000000001`, 'all', `g${node}`)).toBe('204');
    await cluster.stopNode('meta-1');
    copyCatalogs('data-1', 'data-2');
    expect(recover('-catalogs', catalogs)[0]).toBe(0);
    cluster.startByHand('meta-1');
    await everythingIsThere(['d', 'e1', 'e2', 'f1', 'f2', 'g1', 'g2']);
    await changesAreMade('i', 1_300_000_000_000_000_000n);
  },
  limitMs,
);
