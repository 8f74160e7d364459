import type { RestoreTarget } from '../../../src/backup/restore-target.ts';
import type { Disk } from '../../../src/env/disk.ts';
import type { Database } from '../../../src/meta/model/database.ts';
import type { Plant } from './plants.ts';
import { withoutArchiveSync } from './plants-disk.ts';

/** Where backups are kept, with the bug in it: a manifest names archives before their bytes are whole. */
export function plantedPlace(disk: Disk, plant: Plant | undefined): Disk {
  return plant === 'archive-not-synced' ? withoutArchiveSync(disk) : disk;
}

/** What a restore goes to, with the bug in it: shards are read before they are whole, or one owner of each goes without. */
export function plantedTarget(target: RestoreTarget, plant: Plant | undefined): RestoreTarget {
  const given: RestoreTarget = {
    catalog: () => target.catalog(),
    survey: (catalog) => target.survey(catalog),
    restore: (content) => target.restore(content),
    finish: (shardId) => target.finish(shardId),
    overwrite: (content) => target.overwrite(content),
    install: (node, place) => target.install(node, place),
  };
  if (plant === 'served-too-soon')
    return {
      ...given,
      restore: ({ databases, users }) => target.restore({ databases: databases.map(readAtOnce), users }), // prettier-ignore
    };
  if (plant !== 'one-owner-only') return given;
  return {
    ...given,
    install: async (node, place) => {
      const install = await target.install(node, place);
      const isFirst = (await target.catalog()).dataNodes.find(({ tcpAddress }) => tcpAddress === node)?.id === place.shard.owners[0]; // prettier-ignore
      return {
        begin: (file) => install.begin(file),
        write: (piece) => install.write(piece),
        commit: () => (isFirst ? install.commit() : install.abort()),
        abort: () => install.abort(),
      };
    },
  };
}

function readAtOnce(database: Database): Database {
  const retentionPolicies = database.retentionPolicies.map((policy) => ({
    ...policy,
    shardGroups: policy.shardGroups.map((group) => ({
      ...group,
      shards: group.shards.map(({ id, owners }) => ({ id, owners })),
    })),
  }));
  return { ...database, retentionPolicies };
}
