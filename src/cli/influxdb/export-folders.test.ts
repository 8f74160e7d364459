import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { writeIdentity } from '../../meta/client/identity-file.ts';
import { encodeCatalog } from '../../meta/codec/catalog-codec.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { writeManifest } from '../../storage/store/shards/shard-manifest.ts';
import { exportFolders } from './export-folders-command.ts';

test('export: not among the folders of the node, nor around or below them', async () => {
  const home = mkdtempSync(join(tmpdir(), 'varve-export-'));
  try {
    const at = (path: string): string => join(home, path);
    const node = { data: at('n/data'), wal: at('log/wal'), meta: at('m/of/node') };
    const run = (out: string): Promise<void> =>
      exportFolders({ disk: new NodeDisk(), out: () => undefined }, node, {
        text: (flag) => (flag === 'out' ? out : ''),
        has: () => false,
      });
    for (const own of ['n', 'n/data', 'n/data/x', 'log', 'n/../n/', 'm/of/node'])
      await expect(run(at(own)), own).rejects.toThrow('is a folder of this node');
    expect(existsSync(at('n'))).toBe(false);
    // Of no cluster: that is what is said of a folder that may be.
    await expect(run(at('out'))).rejects.toThrow('this node knows of no cluster');
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('export: what a node lacks, or has left of a shard that moved on, is not exported as if it were all', async () => {
  const home = mkdtempSync(join(tmpdir(), 'varve-export-'));
  try {
    const disk = new NodeDisk();
    const node = { data: join(home, 'data'), wal: join(home, 'wal'), meta: join(home, 'meta') };
    const out = join(home, 'out');
    const shards = [1, 2, 3].map((id) => ({ id, owners: id === 3 ? [5] : [4, 5] }));
    const policy = { name: 'p', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 2, pastLimitNs: 0n, futureLimitNs: 0n, shardGroups: [{ id: 1, startNs: 0n, endNs: 9n, shards }] }; // prettier-ignore
    const databases = Databases.of([{ name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [policy] }]); // prettier-ignore
    for (const folder of Object.values(node)) await disk.makeDir(folder);
    const catalog = { ...emptyCatalog, clusterId: 7n, index: 9, databases };
    await disk.replaceFile(join(node.meta, 'catalog'), encodeCatalog(catalog));
    await writeIdentity(disk, node.meta, { nodeId: 4, clusterId: 7n, metaAddresses: ['m:8089'] });
    for (const { id } of shards) {
      const folder = join(node.data, 'd/p', `${id}`);
      await disk.makeDir(folder);
      const copy = { index: 1, isWhole: id !== 2 };
      await writeManifest(disk, folder, { flushedSequence: 0, files: new Map(), copy });
    }
    let said = '';
    const flags = { text: (flag: string) => (flag === 'out' ? out : ''), has: () => false };
    const exported = exportFolders({ disk, out: (text) => (said += text) }, node, flags);
    await expect(exported).rejects.toThrow('/2: what another owner has of it has not come yet');
    expect(said).toContain('Exported 1 shards to ');
    expect(readdirSync(join(out, 'data/d/p'))).toEqual(['1']);
  } finally {
    rmSync(home, { recursive: true });
  }
});
