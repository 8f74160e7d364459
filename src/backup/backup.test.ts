import type { Catalog } from '../meta/model/catalog.ts';
import type { AclGrant } from '../meta/model/acl.ts';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { dayNs } from '../base/units.ts';
import { NodeDisk } from '../env/node/node-disk.ts';
import { readBackupSet } from './backup-set.ts';
import { FolderStore } from './folder-store.ts';
import { overwriteFacts } from './restore-backup.ts';
import { takeBackup, type BackupOptions } from './take-backup.ts';
import { verifyBackup } from './verify-backup.ts';
import { FailingDisk } from '../../test/support/failing-disk.ts';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { allOf as all, backupRuns, decompress, gzip } from '../../test/support/backup-runs.ts';

const portable = join(import.meta.dirname, 'testdata/portable');
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const { backup, restore, storeAt } = backupRuns(() => folder);
const named = () => readdirSync(folder).sort();

test('backup: facts, one copy of each shard that has points, and the texts of the reference', async () => {
  const cluster = twoShards();
  const metaBytes = (text: string): number => Number(/Done\. (\d+) bytes/.exec(text)?.[1]);
  const text = await backup(cluster, { strategy: 'full' });
  const size = metaBytes(text);
  // Several are taken at a time, and each says so as it ends.
  const [first, ...others] = text.split('\n');
  expect([first, ...others.slice(0, 3).sort(), ...others.slice(3)]).toEqual([
    `Backing up meta data... Done. ${size} bytes transferred`,
    'Backing up node n1:1, db _internal, rp autogen, shard 1... Done. Backed up in 0s, 3072 bytes transferred',
    'Backing up node n1:1, db tel, rp p, shard 2... Done. Backed up in 0s, 4096 bytes transferred',
    'Backing up node n1:1, db tel, rp p, shard 3... Done. Backed up in 0s, 4096 bytes transferred',
    `Backed up to ${folder} in 0s, transferred ${size + 11_264} bytes`,
    '',
  ]);
  expect(named()).toEqual([
    '20260102T030405Z.manifest',
    '20260102T030405Z.meta',
    '20260102T030405Z.s1.tar.gz',
    '20260102T030405Z.s2.tar.gz',
    '20260102T030405Z.s3.tar.gz',
  ]);
  const manifest = JSON.parse(readFileSync(join(folder, named()[0] ?? ''), 'utf8')) as Record<string, unknown>; // prettier-ignore
  expect(manifest).toMatchObject({
    limited: false,
    meta: { fileName: '20260102T030405Z.meta', size },
    files: [{ shardID: 1 }, { database: 'tel', policy: 'p', shardID: 2, node: 'n1:1', moment: '2026-01-02T03:04:05Z' }, { shardID: 3 }],
  }); // prettier-ignore
});

test('backup: of several that are begun at once in one place each is whole, under names of its own', async () => {
  const cluster = twoShards();
  await Promise.all([1, 2, 3].map(() => backup(cluster, { strategy: 'full' })));
  const manifests = named().filter((name) => name.endsWith('.manifest'));
  expect(manifests.length).toBe(3);
  expect(named().length).toBe(15);
  for (const manifest of manifests) {
    const into = new BackupCluster(['m1:1']);
    await restore(into, { manifest });
    expect(into.held.get('m1:1')?.get(2)?.['000000001-000000001.tsm']).toBe('three');
  }
});

test('backup: a manifest that does not read is passed over and said, and refuses a restore', async () => {
  const cluster = twoShards();
  await backup(cluster);
  const name = named()[0] ?? '';
  for (const content of ['', '{', '{"meta":{"fileName":"x","size":1,"sha256":5}}', '{"meta":{"fileName":"x","size":-1}}', '{"meta":{"fileName":"../x","size":1}}']) {
    writeFileSync(join(folder, name), content);
    cluster.timeMs += 60_000;
    const text = await backup(cluster, { strategy: 'only-meta' });
    expect(text).toContain(`${name} is passed over: ${name}: `);
    expect(text).toContain('Backed up to');
    await expect(restore(new BackupCluster(['m1:1']))).rejects.toThrow(`${name}: `);
  }
  let text = '';
  const ports = { store: storeAt(folder), decompress, out: (line: string) => (text += line) };
  await expect(verifyBackup(ports, await readBackupSet(ports.store))).rejects.toThrow('1 of 6 files cannot be restored');
  expect(text).toContain(`${name}: not a manifest: a file without a name`);
}); // prettier-ignore

test('backup: one that fails as its manifest is written leaves nothing', async () => {
  const cluster = twoShards();
  for (let failAt = 1; ; failAt++) {
    const disk = new FailingDisk(new NodeDisk(), { failAt, code: 'disk_full' });
    const given = { strategy: 'full', filter: all, from: '', gzip, isEstimate: false } as const;
    const compress = (block: Uint8Array) => Promise.resolve(gzipSync(block));
    const store = new FolderStore(disk, folder, { bufferBytes: 100, host: 'a.b' });
    const taken = takeBackup({ clock: cluster.clock, source: cluster, store, compress, out: () => undefined }, given).then(() => true, () => false); // prettier-ignore
    if (await taken) break;
    expect(named()).toEqual([]);
  }
  expect(named().length).toBe(5);
});

test('backup: an incremental one moves nothing of what was not written to, and a full one all of it', async () => {
  const cluster = twoShards();
  await backup(cluster);
  cluster.moved.length = 0;
  cluster.timeMs += 60_000;
  const text = await backup(cluster);
  expect(text).not.toContain('Backing up node');
  expect(cluster.moved).toEqual([]);
  cluster.timeMs += 60_000;
  cluster.write(3, { '000000001-000000001.tsm': 'three', '000000002-000000001.tsm': 'more' });
  expect(await backup(cluster)).toContain('shard 3... Done.');
  expect(cluster.moved.every((one) => one.startsWith('n1:1 3 '))).toBe(true);
  cluster.timeMs += 60_000;
  expect((await backup(cluster, { strategy: 'full' })).match(/Backing up node/g)?.length).toBe(3);
  // Two in one second do not meet.
  expect(await backup(cluster, { strategy: 'only-meta' })).toContain('Backed up to');
  expect(named().filter((name) => name.endsWith('.meta')).length).toBe(5);
});

test('backup: replicas written to together are one to an incremental backup, whichever says a later moment', async () => {
  const cluster = twoShards();
  await backup(cluster);
  cluster.timeMs += 60_000;
  cluster.modifiedNs = { 'n2:1': 900_000_000n, 'n1:1': 1n };
  expect(await backup(cluster)).not.toContain('Backing up node');
  cluster.timeMs += 60_000;
  cluster.modifiedNs = { 'n2:1': 60_000_000_000n, 'n1:1': 1n };
  expect(await backup(cluster)).toContain('Backing up node n2:1, db tel, rp p, shard 3... Done.');
});

test('backup: an index that is merged behind moves nothing', async () => {
  const cluster = twoShards();
  const files = { '000000001-000000001.tsm': 'three' };
  cluster.write(3, { ...files, '000000001.index': 'i', '000000002.index': 'i' });
  await backup(cluster);
  cluster.timeMs += 60_000;
  cluster.write(3, { ...files, '000000003.index': 'ii' });
  expect(await backup(cluster)).not.toContain('Backing up node');
});

test('backup: with a threshold a shard that was written to soon after is left, as the reference does', async () => {
  const cluster = twoShards();
  await backup(cluster);
  cluster.write(3, { '000000002-000000001.tsm': 'more' });
  cluster.timeMs += 1_000;
  expect(await backup(cluster, { stalenessNs: 600n * 1_000_000_000n })).not.toContain('node');
});

test('backup: an owner that fails is left for another; where all fail nothing stays', async () => {
  const cluster = twoShards();
  cluster.down.add('n1:1');
  const text = await backup(cluster);
  expect(text).toContain('Backing up node n1:1, db tel, rp p, shard 2... Error: n1:1 is down\n');
  expect(text).toContain('Backing up node n2:1, db tel, rp p, shard 2... Done.');
  const before = named();
  cluster.down.add('n2:1');
  cluster.timeMs += 1_000;
  cluster.write(3, { x: 'y' });
  await expect(backup(cluster, { strategy: 'full' })).rejects.toThrow(/shard \d could not be backed up: n2:1 is down/); // prettier-ignore
  expect(named()).toEqual(before);
});

test('backup: a shard of which nobody has said anything is asked for all the same', async () => {
  const cluster = twoShards();
  // As after a start, before it is open.
  cluster.unsaid.add(3);
  const text = await backup(cluster);
  expect(text).toContain('shard 3... Done.');
  // Nobody was ever written to.
  expect(text).not.toContain('shard 4');
  // An owner that has nothing is enough, where the other does not answer; not where that one has said that it has something.
  cluster.down.add('n2:1');
  expect(await backup(cluster)).toContain('Backed up to');
  cluster.down.add('n1:1');
  await expect(backup(cluster)).rejects.toThrow(/shard \d could not be backed up: n\d:1 is down/);
  cluster.down.delete('n1:1');
  cluster.held.get('n1:1')?.delete(2);
  await expect(backup(cluster, { strategy: 'full' })).rejects.toThrow('shard 2 could not be backed up: n2:1 is down'); // prettier-ignore
});

test('backup: a shard that is dropped meanwhile is no failure', async () => {
  const cluster = twoShards();
  const snapshot = cluster.snapshot.bind(cluster);
  cluster.snapshot = (node, shardId) => {
    if (shardId === 3 && cluster.facts.databases.shard(3) !== undefined)
      cluster.do({ kind: 'drop-shard', shardId, nowNs: 1n });
    if (shardId === 3) throw new DbError('shard_not_found', 'shard 3 is gone');
    return snapshot(node, shardId);
  };
  expect(await backup(cluster)).toContain('Backed up to');
});

test('backup: filters, and a node that is preferred', async () => {
  const cluster = twoShards();
  const filtered = (filter: Partial<BackupOptions['filter']>) =>
    backup(cluster, { strategy: 'full', filter: { ...all, ...filter } });
  expect(await filtered({ database: 'tel' })).not.toContain('_internal');
  expect(await filtered({ database: 'tel', shardId: 3 })).not.toContain('shard 2');
  const range = await filtered({ startNs: dayNs, endNs: dayNs + 5n });
  expect(range).toContain('shard 3.');
  expect(range).not.toContain('shard 2.');
  expect(await backup(cluster, { strategy: 'full', from: 'n2:1' })).not.toContain('n1:1');
  await expect(backup(cluster, { from: 'x:1' })).rejects.toThrow('data node "x:1" does not exist');
  await expect(filtered({ database: 'no' })).rejects.toThrow('database not found: no');
});

test('restore: into an empty cluster, with the texts of the reference, users and queries, and nothing of its own', async () => {
  await backup(twoShards());
  const cluster = new BackupCluster(['m1:1', 'm2:1', 'm3:1']);
  const text = await restore(cluster);
  const lines = text.split('\n');
  expect(lines.slice(0, 2)).toEqual([
    'Using meta backup: 20260102T030405Z.meta',
    'Restoring meta data... Done. Restored in 0s, 3 shards mapped',
  ]);
  expect(text).toMatch(
    /Restoring db tel, rp p, shard 2 to shard 1\.\.\.\nCopying data to m\d:1\.\.\. Copying data to m\d:1\.\.\. Done\. Restored shard 2 into shard 1 in 0s, 4096 bytes transferred\n/,
  );
  expect(lines.at(-2)).toBe('Restored from DIR in 0s, transferred 8192 bytes');
  const { databases, users } = cluster.facts;
  expect(Array.from(databases, ({ name }) => name)).toEqual(['tel']);
  expect(databases.get('tel')?.continuousQueries?.length).toBe(1);
  expect(databases.get('tel')?.retentionPolicies[0]?.subscriptions).toBeUndefined();
  expect(users).toEqual([{ name: 'bob', hash: 'x', isAdmin: true, privileges: [] }]);
  for (const [id, tsm] of [[1, 'two'], [2, 'three']] as const) {
    const owners = databases.shard(id)?.shard.owners ?? [];
    expect(owners.length).toBe(2);
    for (const owner of owners)
      expect(cluster.held.get(`m${owner}:1`)?.get(id)?.['000000001-000000001.tsm']).toBe(tsm);
  } // prettier-ignore
  await expect(restore(cluster)).rejects.toThrow(/Restoring meta data\.\.\. Error\.\n\|.*database already exists/); // prettier-ignore
});

test('restore: under other names, with other rules, a part', async () => {
  await backup(twoShards());
  const cluster = new BackupCluster(['m1:1', 'm2:1']);
  const changes = {
    newDatabase: 'again',
    newPolicy: 'q',
    newDurationNs: 90n * dayNs,
    newReplicas: 5,
  };
  await restore(cluster, { filter: { database: 'tel', retentionPolicy: 'p' }, changes });
  const again = cluster.facts.databases.get('again');
  expect(again?.defaultRetentionPolicy).toBe('q');
  expect(again?.retentionPolicies[0]).toMatchObject({ name: 'q', durationNs: 90n * dayNs, replicaCount: 2 }); // prettier-ignore
  expect(cluster.facts.users).toBeUndefined();
  await restore(cluster, { filter: { database: 'tel' }, changes: { newDatabase: 'third' } });
  expect(cluster.facts.databases.get('third')?.continuousQueries?.[0]?.text).toBe(
    'CREATE CONTINUOUS QUERY c ON third BEGIN SELECT mean(v) INTO third.p.m FROM third.p.cpu GROUP BY time(1h) END',
  );
  const one = await restore(cluster, { filter: { database: 'tel', shardId: 3 }, changes: { newDatabase: 'one' } }); // prettier-ignore
  expect(one).toContain('1 shards mapped');
  await restore(cluster, { filter: { database: '_internal' } });
  expect(cluster.facts.databases.get('_internal')).toBeDefined();
  for (const [filter, text] of [
    [{ database: 'no' }, 'database not found: no'],
    [{ database: 'tel', retentionPolicy: 'no' }, 'retention policy not found: no'],
    [{ database: 'tel', shardId: 1 }, 'shard not found for id: 1'],
  ] as const)
    await expect(restore(cluster, { filter })).rejects.toThrow(text);
});

test('restore: of several backups each shard is the newest, and of a manifest what it was then', async () => {
  const cluster = twoShards();
  await backup(cluster);
  const [first = ''] = named();
  cluster.timeMs += 60_000;
  cluster.write(2, { '000000002-000000001.tsm': 'new' });
  await backup(cluster);
  const tsmOf = async (manifest?: string): Promise<unknown> => {
    const into = new BackupCluster(['m1:1']);
    await restore(into, manifest === undefined ? {} : { manifest });
    return into.held.get('m1:1')?.get(1);
  };
  expect(await tsmOf()).toHaveProperty('000000002-000000001.tsm', 'new');
  expect(await tsmOf(first)).toHaveProperty('000000001-000000001.tsm', 'two');
});

test('restore: an archive that was changed is at no node', async () => {
  await backup(twoShards());
  const path = join(folder, '20260102T030405Z.s3.tar.gz');
  const bytes = readFileSync(path);
  // Behind the compressed blocks nothing but the checksum tells.
  writeFileSync(path, Buffer.concat([bytes, gzipSync(Buffer.from('x'))]));
  const cluster = new BackupCluster(['m1:1']);
  await expect(restore(cluster)).rejects.toThrow(/shard 3 could not be restored into shard 2: .*it is not what was written/); // prettier-ignore
  expect(cluster.held.get('m1:1')?.has(2)).toBe(false);
  expect(cluster.log).toEqual(['m1:1 aborted 2']);
});

test('restore: an archive of another shard is refused, and not taken for an empty one', async () => {
  await backup(twoShards());
  const archive = (id: number): string => join(folder, `20260102T030405Z.s${id}.tar.gz`);
  const path = named()[0] ?? '';
  const manifest = readFileSync(join(folder, path), 'utf8');
  writeFileSync(join(folder, path), manifest.replaceAll(/"sha256": "\w+"/g, '"sha256": null'));
  copyFileSync(archive(2), archive(3));
  const cluster = new BackupCluster(['m1:1']);
  await expect(restore(cluster)).rejects.toThrow('tel/p/2/shard.json is of another shard than tel/p/3/'); // prettier-ignore
  expect(cluster.held.get('m1:1')?.has(2)).toBe(false);
});

test('restore: a shard that its policy outlives, or that is dropped, ends nothing of the others', async () => {
  await backup(twoShards());
  const cluster = new BackupCluster(['m1:1']);
  const install = cluster.install.bind(cluster);
  cluster.install = (node, place) => {
    if (place.shard.id !== 1) return install(node, place);
    cluster.do({ kind: 'drop-shard', shardId: 1, nowNs: 1n });
    throw new DbError('shard_not_found', 'shard 1 is gone');
  };
  const text = await restore(cluster);
  expect(text).toContain('Restoring shard 2 to shard 1... it was dropped meanwhile\n');
  expect(text).toContain('Done. Restored shard 3 into shard 2');
  expect(cluster.facts.databases.shard(2)?.shard.restoreIndex).toBeUndefined();
});

test('overwrite: takes the facts of a backup of this cluster', async () => {
  const cluster = twoShards();
  await backup(cluster, { strategy: 'only-meta' });
  cluster.do({ kind: 'drop-user', name: 'bob' });
  cluster.do({ kind: 'alter-retention-policy', database: 'tel', name: 'p', policy: { replication: 1 }, isDefault: true }); // prettier-ignore
  let text = '';
  const store = storeAt(folder);
  const ports = { clock: cluster.clock, store, target: cluster, decompress, out: (line: string) => (text += line) }; // prettier-ignore
  await overwriteFacts(ports, await readBackupSet(store), 'DIR/');
  expect(text).toMatch(/Restoring meta data\.\.\. Done\. Restored in 0s, 4 shards mapped\nRestored from DIR\/ in 0s, transferred \d+ bytes\n/); // prettier-ignore
  expect(cluster.facts.users?.[0]?.name).toBe('bob');
  expect(cluster.facts.databases.get('tel')?.retentionPolicies[0]?.replicaCount).toBe(2);
});

test('restore: roles come with their users, and what users may on databases that are there', async () => {
  const of = twoShards();
  const scopes = [{ scope: '', permissions: ['Monitor'] }, { scope: 'tel', permissions: ['DropData'] }] as const; // prettier-ignore
  of.do({ kind: 'create-permitted-user', name: 'eve', hash: 'x', permissions: scopes });
  of.do({ kind: 'create-role', name: 'r', permissions: scopes, users: ['eve'] });
  await backup(of);
  const cluster = new BackupCluster(['m1:1', 'm2:1', 'm3:1']);
  cluster.do({ kind: 'create-role', name: 'own', permissions: [], users: [] });
  await restore(cluster);
  const eve = { name: 'eve', hash: 'x', isAdmin: false, privileges: [], permissions: scopes };
  expect(cluster.facts.users?.find(({ name }) => name === 'eve')).toEqual(eve);
  expect(cluster.facts.roles).toEqual([{ name: 'own', permissions: [], users: [] }, { name: 'r', permissions: scopes, users: ['eve'] }]); // prettier-ignore
  // An overwrite has those of the backup, and none besides.
  of.do({ kind: 'drop-role', name: 'r' });
  of.do({ kind: 'create-role', name: 'later', permissions: [], users: [] });
  await overwriteFacts({ clock: of.clock, store: storeAt(folder), target: of, decompress, out: () => undefined }, await readBackupSet(storeAt(folder)), 'DIR/'); // prettier-ignore
  expect(of.facts.roles?.map(({ name }) => name)).toEqual(['r']);
});

test('restore: restrictions and grants come along, those of the cluster first, and an overwrite has the backup’s', async () => {
  const of = twoShards();
  of.do({ kind: 'create-user', name: 'eve', hash: 'x', isAdmin: false });
  const rule = (id: number, more: Partial<AclGrant> = {}): AclGrant => {
    const named = {
      id: `${id}`.padStart(16, '0'),
      database: { match: 'exact', value: 'tel' },
    } as const;
    return { ...named, tags: [{ match: 'exact', key: 'k', value: `${id}` }], permissions: ['read'], users: [], roles: [], ...more }; // prettier-ignore
  };
  const ids = ({ acl }: Catalog) => [acl?.restrictions, acl?.grants].map((all) => all?.map(({ id }) => Number(id))); // prettier-ignore
  of.do({ kind: 'create-acl-rule', of: 'restriction', rule: rule(1) });
  of.do({ kind: 'create-acl-rule', of: 'restriction', rule: rule(2) });
  of.do({ kind: 'create-acl-rule', of: 'grant', rule: rule(3, { users: ['eve'] }) });
  await backup(of);
  const cluster = new BackupCluster(['m1:1', 'm2:1', 'm3:1']);
  cluster.do({ kind: 'create-acl-rule', of: 'restriction', rule: { ...rule(2), permissions: ['write'] } }); // prettier-ignore
  await restore(cluster);
  expect(ids(cluster.facts)).toEqual([[2, 1], [3]]);
  expect(cluster.facts.acl?.restrictions[0]?.permissions).toEqual(['write']);
  of.do({ kind: 'drop-acl-rule', of: 'restriction', ruleId: rule(1).id });
  of.do({ kind: 'create-acl-rule', of: 'restriction', rule: rule(4) });
  await overwriteFacts({ clock: of.clock, store: storeAt(folder), target: of, decompress, out: () => undefined }, await readBackupSet(storeAt(folder)), 'DIR/'); // prettier-ignore
  expect(ids(of.facts)).toEqual([[1, 2], [3]]);
});

test('restore: what influxd backup -portable of a 1.12.4 has written', async () => {
  const cluster = new BackupCluster(['m1:1', 'm2:1']);
  expect(await restore(cluster, { place: portable })).toContain('4 shards mapped');
  const { databases, users } = cluster.facts;
  expect(Array.from(databases, ({ name }) => name)).toEqual(['tel', 'empty']);
  expect(users?.map(({ name, isAdmin }) => [name, isAdmin])).toEqual([['adm', true], ['bob', false]]); // prettier-ignore
  const [owner] = databases.shard(2)?.shard.owners ?? [];
  const files = cluster.held.get(`m${owner}:1`)?.get(2) ?? {};
  expect(Object.keys(files)).toEqual(['000000001-000000001.tsm']);
  expect(files['000000001-000000001.tsm']?.length).toBe(7_118);
});

test('verify: says of each file how it is', async () => {
  await backup(twoShards());
  // A TSM file that is none, as the ones of this test are.
  let text = '';
  const verify = async (): Promise<string> => {
    text = '';
    const ports = { store: storeAt(folder), decompress, out: (line: string) => (text += line) };
    return verifyBackup(ports, await readBackupSet(ports.store)).then(() => text, (error: unknown) => `${text}${String(error)}`); // prettier-ignore
  };
  expect(await verify()).toContain('20260102T030405Z.meta: ok, 2 databases, 1 users\n');
  expect(text).toContain('000000001-000000001.tsm is no TSM file\n');
  rmSync(folder, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
  expect(await verify()).toContain('no manifest files found in: ');
  for (const name of readdirSync(portable)) copyFileSync(join(portable, name), join(folder, name));
  expect(await verify()).toContain('Verified 1 backups, 4 archives of shards\n');
  const [archive = ''] = named().filter((name) => name.includes('.s2.'));
  const manifest = join(folder, '20261126T194607Z.manifest');
  const whole = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, whole.replace('"shardID": 2,', '"shardID": 2, "damaged": true,'));
  expect(await verify()).toContain(
    `${archive}: it is what was written, of a shard that was damaged at all of its owners\n`,
  );
  expect(text).not.toContain('Verified');
  writeFileSync(manifest, whole);
  const bytes = readFileSync(join(folder, archive));
  for (const at of [0, 100, bytes.length >> 1, bytes.length - 6]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(join(folder, archive), changed);
    expect(await verify()).toContain('DbError: 1 of 5 files cannot be restored');
  }
  rmSync(join(folder, archive));
  expect(await verify()).toContain(`${archive}: it is not there\n`);
});

test('backup: what a killed one has left half written is removed by the next, and what others write is not', async () => {
  const cluster = twoShards();
  const halves = ['T.s1.tar.gz.a_b.pending', 'T.s2.tar.gz.a_b.pending', 'T.s1.tar.gz.other.pending'] as const; // prettier-ignore
  for (const name of halves) writeFileSync(join(folder, name), 'half');
  // One that this machine goes on with.
  const lock = await new NodeDisk().lock(join(folder, halves[1]));
  await backup(cluster);
  const left = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.pending')); // prettier-ignore
  expect(left()).toEqual([halves[2], halves[1]]);
  await lock.release();
  cluster.timeMs += 1_000;
  await backup(cluster);
  expect(left()).toEqual([halves[2]]);
});
