import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dayNs } from '../base/units.ts';
import { BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { allOf, backupRuns, type Restoring } from '../../test/support/backup-runs.ts';
import type { BackupFilter } from './shard-plan.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const { backup, restore } = backupRuns(() => folder);

/** Shards 2 and 3 of tel.p, and 5 of other.autogen beside a policy without points. */
function twoDatabases(): BackupCluster {
  const cluster = twoShards();
  cluster.do({ kind: 'create-database', name: 'other' });
  cluster.do({ kind: 'create-retention-policy', database: 'other', policy: { name: 'bare', durationNs: 0n, shardDurationNs: dayNs, replication: 1 }, isDefault: false }); // prettier-ignore
  cluster.do({ kind: 'create-shard-groups', database: 'other', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const [shard] = cluster.facts.databases.get('other')?.retentionPolicies[0]?.shardGroups[0]?.shards ?? []; // prettier-ignore
  cluster.write(shard?.id ?? 0, { '000000001-000000001.tsm': 'five' });
  return cluster;
}

/** Policies by database, and how many shards have come. */
async function restored(options: Restoring = {}): Promise<string> {
  const into = new BackupCluster(['m1:1', 'm2:1']);
  await restore(into, options);
  const all = Array.from(into.facts.databases, ({ name, retentionPolicies, continuousQueries }) => {
    const policies = retentionPolicies.map((policy) => policy.name);
    return `${name}: ${policies.join(' ')}${continuousQueries === undefined ? '' : ' and queries'}`;
  });
  const held = new Set([...into.held.values()].flatMap((shards) => [...shards.keys()]));
  return `${all.join(', ')}; ${held.size} shards; ${into.facts.users?.length ?? 0} users`;
}

const whole = 'tel: p and queries, other: autogen bare; 3 shards; 1 users';

test.each<readonly [string, Partial<BackupFilter>, Restoring, string]>([
  ['all', {}, {}, whole],
  ['a database', { database: 'tel' }, {}, 'tel: p and queries; 2 shards; 1 users'],
  ['another', { database: 'other' }, {}, 'other: autogen bare; 1 shards; 1 users'],
  [
    'a policy',
    { database: 'other', retentionPolicy: 'bare' },
    {},
    'other: bare; 0 shards; 1 users',
  ],
  ['a shard', { shardId: 3 }, {}, 'tel: p and queries; 1 shards; 1 users'],
  [
    'a time',
    { startNs: 0n, endNs: 1n },
    {},
    'tel: p and queries, other: autogen bare; 2 shards; 1 users',
  ],
  [
    'a database, and asked for it',
    { database: 'tel' },
    { filter: { database: 'tel' } },
    'tel: p and queries; 2 shards; 0 users',
  ],
  // A shard alone comes with its own database, and with nobody.
  ['all, and asked for a shard', {}, { filter: { shardId: 3 } }, 'tel: p; 1 shards; 0 users'],
])('restore: of a backup of %s there is what it is of', async (_, filter, options, wanted) => {
  await backup(twoDatabases(), { strategy: 'full', filter: { ...allOf, ...filter } });
  expect(await restored(options)).toBe(wanted);
});

test('restore: what no backup of a place was of is not there, and what any was of is', async () => {
  const cluster = twoDatabases();
  await backup(cluster, { filter: { ...allOf, database: 'other', retentionPolicy: 'bare' } });
  await expect(restored({ filter: { database: 'tel' } })).rejects.toThrow('database not found: tel'); // prettier-ignore
  await expect(restored({ filter: { database: 'other', retentionPolicy: 'autogen' } })).rejects.toThrow('retention policy not found: autogen'); // prettier-ignore
  cluster.timeMs += 60_000;
  await backup(cluster, { filter: { ...allOf, database: 'tel' } });
  expect(await restored()).toBe('tel: p and queries, other: bare; 2 shards; 1 users');
  cluster.timeMs += 60_000;
  await backup(cluster);
  cluster.timeMs += 60_000;
  // The newest facts are of a part, and the shards of all of it.
  await backup(cluster, { strategy: 'only-meta', filter: { ...allOf, database: 'tel' } });
  expect(await restored()).toBe(whole);
});

test('backup: a shard of another database, or policy, than was asked for is not found', async () => {
  const cluster = twoDatabases();
  for (const part of [{ database: 'other' }, { database: 'other', retentionPolicy: 'bare' }])
    await expect(backup(cluster, { filter: { ...allOf, ...part, shardId: 3 } })).rejects.toThrow('shard not found for id: 3'); // prettier-ignore
  expect(readdirSync(folder)).toEqual([]);
});

test('restore: an existing shard takes one of its own time that it has no points of, and no other', async () => {
  await backup(twoShards());
  const cluster = twoDatabases();
  const into = (shardId: number, newShardId: number): Promise<string> =>
    restore(cluster, { filter: { shardId }, newShardId });
  await expect(into(3, 2)).rejects.toThrow('shard 2 is not of the time of shard 3 of the backup');
  await expect(into(3, 3)).rejects.toThrow('shard 3 has points already');
  // Shard 4 is a day later.
  await expect(into(2, 4)).rejects.toThrow('shard 4 is not of the time of shard 2 of the backup');
  for (const node of ['n1:1', 'n2:1']) cluster.held.get(node)?.delete(3);
  // One owner alone has something.
  cluster.held.get('n2:1')?.set(3, { 'shard.json': '{}' });
  await expect(into(3, 3)).rejects.toThrow('shard 3 has points already');
  cluster.held.get('n2:1')?.delete(3);
  expect(await into(3, 3)).toContain('Done. Restored shard 3 into shard 3 in 0s');
  for (const node of ['n1:1', 'n2:1'])
    expect(cluster.held.get(node)?.get(3)).toHaveProperty('000000001-000000001.tsm', 'three');
  await expect(into(3, 99)).rejects.toThrow('shard not found for id: 99');
});

test('estimate: what there is, and of an incremental backup what was written to since', async () => {
  const cluster = twoShards();
  cluster.modifiedNs = { 'n1:1': 4n, 'n2:1': 3n };
  const lineOf = (shard: number): string => `Node n1:1, db tel, rp p, shard ${shard}: 10 bytes\n`;
  const estimate = (options: Parameters<typeof backup>[1] = {}): Promise<string> => backup(cluster, { isEstimate: true, ...options }); // prettier-ignore
  const all = await estimate();
  expect(all).toMatch(/^Meta data: \d+ bytes\n/);
  expect(all).toContain(lineOf(2) + lineOf(3));
  expect(all).toMatch(/\nEstimated: 3 shards, \d+ bytes\n$/);
  expect(readdirSync(folder)).toEqual([]);
  await backup(cluster);
  expect(await estimate()).toMatch(/^Meta data: (\d+) bytes\nEstimated: 0 shards, \1 bytes\n$/);
  expect(await estimate({ strategy: 'full' })).toBe(all);
  cluster.modifiedNs = { 'n1:1': 6n, 'n2:1': 3n };
  expect(await estimate()).toContain(lineOf(2) + lineOf(3));
  expect(await estimate({ stalenessNs: 2n })).toContain('Estimated: 0 shards');
  // Shard 4 has no points anywhere.
  expect(all).not.toContain('shard 4');
});
