import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 240_000;
const patienceMs = 60_000;
const root = join(import.meta.dirname, '../..');
const cluster = new DevCluster(15_600, '--metas', '1', '--data', '2');
afterAll(() => cluster.stop(), limitMs);

/** A character a byte. By bytes; in Latin-1, cut characters, what CESU-8 writes, and the character for what cannot be read. */
const hosts = ['caf', 'caf\xc3\xa9', 'caf\xe4\xb8', 'caf\xe4\xb8\xad', 'caf\xe8', 'caf\xe9', 'caf\xed\xb2\x80', 'caf\xef\xbf\xbd', '\x80', '\xe9\xe8', '\xf0\x9f\x99\x82', '\xff']; // prettier-ignore
const question = 'SELECT /./ FROM m GROUP BY host';

async function send(node: number, path: string, body: Uint8Array, headers = {}): Promise<void> {
  const url = `${cluster.url('data', node)}${path}`;
  const response = await fetch(url, { method: 'POST', body: Buffer.from(body), headers });
  expect(`${response.status} ${await response.text()}`).toBe('204 ');
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const line = (host: string, value: number, time: number): string =>
  `m,host=${host} f\xe9=${value},f\xe8=${-value} ${time}\n`;

/** In CSV, a character a byte. */
async function ask(node: number, q: string, database = 'd'): Promise<string> {
  const body = new URLSearchParams({ q, db: database, epoch: 'ns' });
  const url = `${cluster.url('data', node)}/query`;
  const headers = { Accept: 'application/csv' };
  const response = await fetch(url, { method: 'POST', body, headers });
  return Buffer.from(await response.arrayBuffer()).toString('latin1');
}

/** Each series by itself, in the order of their bytes: what the times of each are. */
function expected(times: readonly number[]): string {
  const rows = hosts.flatMap((host, i) =>
    times.map((time) => `m,host=${host},${time},${-(i + 1) * time},${(i + 1) * time}\n`),
  );
  return `name,tags,time,f\xe8,f\xe9\n${rows.join('')}`;
}

async function shows(times: readonly number[], databases = ['d', 'halves']): Promise<void> {
  for (const database of databases)
    for (const node of [1, 2])
      await eventually(async () => {
        expect(await ask(node, question, database)).toBe(expected(times));
      }, patienceMs);
}

/** A dozen series by several ways. */
async function writeAll(time: number, database: string): Promise<void> {
  const lines = hosts.map((host, i) => latin1(line(host, (i + 1) * time, time)));
  const path = `/write?db=${database}&consistency=all`;
  const [v2, zipped, ...small] = lines;
  if (v2 === undefined || zipped === undefined) throw new Error('there are more');
  await send(1, `/api/v2/write?bucket=${database}`, v2);
  await send(2, path, gzipSync(zipped), { 'Content-Encoding': 'gzip' });
  // Bodies that come at once are routed as one.
  await Promise.all(small.map((one, i) => send(1 + (i % 2), path, one)));
}

function files(suffix: string): readonly string[] {
  return ['data-1', 'data-2'].flatMap((node) => {
    const folder = join(cluster.dir, node, 'data');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith(suffix)).map((name) => join(folder, name));
  });
}

function entropy(...args: readonly string[]): string {
  const config = join(cluster.dir, 'meta-1/influxdb-meta.conf');
  const { stdout, stderr } = spawnSync(join(root, 'bin/influxd-ctl'), ['-config', config, 'entropy', ...args], { encoding: 'utf8' }); // prettier-ignore
  return stdout + stderr;
}

/** Written while the second node is down; what waits for it is lost, so that only a repair brings it. */
async function lose(time: number): Promise<void> {
  await cluster.kill('data-2');
  for (const [i, host] of hosts.entries())
    await send(1, '/write?db=d&consistency=one', latin1(line(host, (i + 1) * time, time)));
  await cluster.kill('data-1');
  for (const node of ['data-1', 'data-2']) {
    rmSync(join(cluster.dir, node, 'hh'), { recursive: true, force: true });
    // As if it had ended by itself: after a kill it brings what it had in hand (decision 137).
    writeFileSync(join(cluster.dir, node, 'meta/ended'), '');
    cluster.startByHand(node);
  }
}

/** In each file's index, which is in the order of its keys. */
async function areInFiles(): Promise<void> {
  await eventually(() => {
    const indexes = files('.tsm').map((path) => readFileSync(path).toString('latin1'));
    for (const host of hosts)
      expect(indexes.filter((one) => one.includes(`m,host=${host}#!~#f\xe9`))).toHaveLength(3);
    return Promise.resolve();
  }, patienceMs);
}

const environment = {
  INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1s',
  INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION: '1s',
  INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
};

test(
  'names of any bytes: each is a series of its own in memory, log, files, hints and answers of both owners',
  async () => {
    await cluster.start(environment);
    for (const [name, copies] of [['d', 2], ['halves', 1], ['other', 2]] as const) // prettier-ignore
      expect(await ask(1, `CREATE DATABASE ${name} WITH REPLICATION ${copies} SHARD DURATION 7d`)).toBe(''); // prettier-ignore
    for (const database of ['d', 'halves']) await writeAll(2, database);
    await shows([2]);
    await areInFiles();
    await shows([2]);
    // Late ones, on top of what is in files.
    for (const database of ['d', 'halves']) await writeAll(1, database);
    await shows([1, 2]);
    await cluster.killAll();
    await cluster.start(environment);
    await shows([1, 2]);
    // What waits for the other owner.
    await cluster.kill('data-2');
    for (const [i, host] of hosts.entries())
      await send(1, '/write?db=d&consistency=one', latin1(line(host, (i + 1) * 3, 3)));
    cluster.startByHand('data-2');
    await shows([1, 2, 3], ['d']);
    await lose(4);
    await eventually(() => {
      const [, id = ''] = /^(\d+) .* diff$/m.exec(entropy('show')) ?? [];
      expect(entropy('repair', id)).toBe(`Repair Shard ${id} queued\n`);
      return Promise.resolve();
    }, patienceMs);
    await eventually(() => {
      expect(entropy('show')).toBe('Entropy\n==========\nID  Database  Retention Policy  Start  End  Expires  Status\n'); // prettier-ignore
      return Promise.resolve();
    }, patienceMs);
    await shows([1, 2, 3, 4], ['d']);
    expect(await ask(2, 'SELECT * INTO other.autogen.:MEASUREMENT FROM m GROUP BY *')).toContain(',48\n'); // prettier-ignore
    await shows([1, 2, 3, 4], ['other']);
    const values = hosts.map((host) => `m,,host,${host}\n`).join('');
    for (const node of [1, 2]) {
      expect(await ask(node, 'SHOW TAG VALUES FROM m WITH KEY = host')).toBe(`name,tags,key,value\n${values}`); // prettier-ignore
      expect(await ask(node, 'SHOW FIELD KEYS')).toBe('name,tags,fieldKey,fieldType\nm,,f\xe8,float\nm,,f\xe9,float\n'); // prettier-ignore
      expect(await ask(node, 'SHOW SERIES EXACT CARDINALITY')).toContain(',12\n');
      expect(await cluster.query(node, "SELECT count(/./) FROM m WHERE host =~ /^caf.$/ AND host != 'caf\ufffd'")).toContain(String.raw`["time","count_f\ufffd","count_f\ufffd"],"values":[[0,16,16]]`); // prettier-ignore
    }
    // Deletes that mean some of them, and all.
    expect(await ask(2, 'DROP SERIES FROM /m/ WHERE host =~ /^caf\ufffd$/')).toBe('');
    for (const node of [1, 2]) {
      const left = values.replaceAll(/m,,host,caf(?:\xe8|\xe9|\xef\xbf\xbd)\n/g, '');
      await eventually(async () => {
        expect(await ask(node, 'SHOW TAG VALUES FROM m WITH KEY = host')).toBe(`name,tags,key,value\n${left}`); // prettier-ignore
      }, patienceMs);
    }
    expect(await ask(1, 'DELETE FROM m', 'other')).toBe('');
    for (const node of [1, 2]) expect(await ask(node, 'SHOW SERIES', 'other')).toBe('');
  },
  limitMs,
);
