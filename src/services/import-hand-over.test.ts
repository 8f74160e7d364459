import { expect, test } from 'vitest';
import { MemoryMeta } from '../../test/support/memory-meta.ts';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import { dayNs } from '../base/units.ts';
import type { Env } from '../env/env.ts';
import type { Log } from '../env/log.ts';
import { importRecordVersion, readImportRecord, writeImportRecord, type ImportRecord } from '../meta/client/import-record.ts'; // prettier-ignore
import type { Command } from '../meta/command/command.ts';
import { ImportHandOver, refuseUnfinishedImport } from './import-hand-over.ts';

const content = { databases: [{ name: 'd', defaultRetentionPolicy: '', retentionPolicies: [] }], users: [], maxShardGroupId: 3, maxShardId: 4 }; // prettier-ignore
const ready: ImportRecord = { version: importRecordVersion, state: 'ready', source: 'old', metaCrc32: 7, content }; // prettier-ignore

const rules = { durationNs: 0n, shardGroupDurationNs: dayNs, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
const group = { id: 3, startNs: 0n, endNs: dayNs, shards: [{ id: 4, owners: [] }] };
const withShard: ImportRecord = { ...ready, content: { ...content, databases: [{ name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [{ name: 'p', ...rules, shardGroups: [group] }] }] } }; // prettier-ignore

/** Metas that are asked for in vain so many times. */
class LateMeta extends MemoryMeta {
  nodeIdNow = 1;
  failures = 0;
  /** What is done is not answered. */
  losesAnswers = false;
  readonly asked: string[] = [];

  override get nodeId(): number {
    return this.nodeIdNow;
  }

  override execute(command: Command): ReturnType<MemoryMeta['execute']> {
    this.asked.push(command.kind);
    if (this.failures-- > 0)
      return Promise.reject(new DbError('unavailable', 'meta service unavailable'));
    if (!this.losesAnswers) return super.execute(command);
    return super.execute(command).then(() => Promise.reject(new DbError('unavailable', 'meta service unavailable'))); // prettier-ignore
  }
}

async function withRecord(
  record: ImportRecord | undefined,
  body: (parts: { readonly env: Env; readonly meta: LateMeta; readonly open: () => Promise<ImportHandOver> }) => Promise<void>, // prettier-ignore
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  } as unknown as Log;
  const work = async (): Promise<void> => {
    await env.disk.makeDir('meta');
    if (record !== undefined) await writeImportRecord(env.disk, 'meta', record);
    const meta = new LateMeta();
    await meta.execute({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'h:2', dataNodesMax: 1 }); // prettier-ignore
    meta.asked.length = 0;
    await body({ env, meta, open: () => ImportHandOver.open({ ...env, log, meta }, 'meta') });
  };
  await world.complete(work(), 1_000_000);
}

test('import: handed over as soon as the node is of a cluster, once', async () => {
  await withRecord(ready, async ({ env, meta, open }) => {
    meta.nodeIdNow = 0;
    const imported = await open();
    await imported.handOver();
    expect(meta.asked).toEqual([]);
    meta.nodeIdNow = 1;
    await imported.handOver();
    await imported.handOver();
    expect(meta.asked).toEqual(['import-databases']);
    expect(meta.catalog.databases.get('d')).toBeDefined();
    expect(await readImportRecord(env.disk, 'meta')).toEqual({ ...ready, state: 'done', content: undefined }); // prettier-ignore
    await imported.close();
  });
});

test('import: tried again until the metas take it', async () => {
  await withRecord(ready, async ({ env, meta, open }) => {
    meta.failures = 2;
    const imported = await open();
    await imported.handOver();
    expect((await readImportRecord(env.disk, 'meta'))?.state).toBe('ready');
    // Whoever makes shards unasked has to wait.
    expect(imported.held(meta).nodeId).toBe(0);
    await env.clock.sleep(25_000);
    expect(meta.catalog.maxShardId).toBe(4);
    expect(imported.held(meta).nodeId).toBe(1);
    expect((await readImportRecord(env.disk, 'meta'))?.state).toBe('done');
    const count = meta.asked.length;
    await env.clock.sleep(60_000);
    expect(meta.asked.length).toBe(count);
    await imported.close();
  });
});

test('import: one that was taken, and dropped before the node heard of it, is done with', async () => {
  await withRecord(withShard, async ({ env, meta, open }) => {
    meta.losesAnswers = true;
    const imported = await open();
    await imported.handOver();
    expect((await readImportRecord(env.disk, 'meta'))?.state).toBe('ready');
    await imported.close();
    meta.losesAnswers = false;
    await meta.execute({ kind: 'drop-database', name: 'd' });
    const again = await open();
    expect(await again.handOver()).toBeUndefined();
    expect((await readImportRecord(env.disk, 'meta'))?.state).toBe('done');
    // What the node measures of itself waits for it no more.
    expect(again.held(meta).nodeId).toBe(1);
    expect(meta.catalog.databases.get('d')).toBeUndefined();
    await again.close();
  });
});

test('import: one that was taken, and of which a part was dropped before the node heard of it, is done with', async () => {
  const other = { name: 'e', defaultRetentionPolicy: '', retentionPolicies: [] };
  const both = { ...withShard, content: { ...content, ...withShard.content, databases: [...(withShard.content?.databases ?? []), other] } }; // prettier-ignore
  await withRecord(both, async ({ env, meta, open }) => {
    meta.losesAnswers = true;
    const imported = await open();
    await imported.handOver();
    meta.losesAnswers = false;
    await meta.execute({ kind: 'drop-database', name: 'e' });
    expect(await imported.handOver()).toBeUndefined();
    expect((await readImportRecord(env.disk, 'meta'))?.state).toBe('done');
    await imported.close();
  });
});

test('import: what the cluster refuses is said, also after it was asked in vain', async () => {
  await withRecord(withShard, async ({ env, meta, open }) => {
    await meta.execute({ kind: 'create-database', name: 'own' });
    await meta.execute({ kind: 'create-shard-groups', database: 'own', retentionPolicy: 'autogen', timesNs: Array.from({ length: 9 }, (_, i) => BigInt(i) * 30n * dayNs) }); // prettier-ignore
    meta.failures = 1;
    const imported = await open();
    await imported.handOver();
    for (let i = 0; i < 2; i++)
      expect((await imported.handOver())?.message).toContain('shard ids up to 9 are taken');
    expect(await readImportRecord(env.disk, 'meta')).toEqual(withShard);
    await imported.close();
  });
});

test('import: users that the cluster has stay as they are', async () => {
  const user = (name: string, hash: string) => ({ name, hash, isAdmin: false, privileges: [] });
  const users = [user('boss', 'theirs'), user('u', 'theirs')];
  await withRecord({ ...ready, content: { ...content, users } }, async ({ meta, open }) => {
    await meta.execute({ kind: 'create-user', name: 'boss', hash: 'ours', isAdmin: true });
    const imported = await open();
    expect(await imported.handOver()).toBeUndefined();
    expect(meta.catalog.users?.map(({ name, hash }) => [name, hash])).toEqual([['boss', 'ours'], ['u', 'theirs']]); // prettier-ignore
    expect(meta.catalog.databases.get('d')).toBeDefined();
    await imported.close();
  });
});

test('import: a node that leaves its cluster forgets it', async () => {
  await withRecord(ready, async ({ env, meta, open }) => {
    meta.failures = 1_000;
    const imported = await open();
    await imported.forget();
    expect(await readImportRecord(env.disk, 'meta')).toBeUndefined();
    meta.failures = 0;
    meta.asked.length = 0;
    await imported.handOver();
    expect(meta.asked).toEqual([]);
    await imported.close();
  });
});

test('import: one that has not ended, or cannot be read, keeps the node from starting', async () => {
  await withRecord({ ...ready, state: 'begun', content: undefined }, async ({ env }) => {
    await expect(refuseUnfinishedImport(env.disk, 'meta')).rejects.toThrow('the import of old has not ended'); // prettier-ignore
    const bytes = await env.disk.readFile('meta/import');
    for (let at = 0; at < bytes.length; at++) {
      const bad = bytes.slice();
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await env.disk.replaceFile('meta/import', bad);
      await expect(refuseUnfinishedImport(env.disk, 'meta'), `byte ${at}`).rejects.toThrow();
    }
    await env.disk.remove('meta/import');
    await refuseUnfinishedImport(env.disk, 'meta');
  });
});
