import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/dev-cluster.ts';
import { query } from './ask.ts';
import type { Attack } from './attack.ts';

const databaseCount = 20;
const patienceMs = 60_000;

/** A6: what is dropped within a second of its first point leaves the disks of all nodes all the same. */
export const briefDatabases: Attack = {
  id: 'A6',
  title: 'databases that live for less than a second leave no shard behind',
  run: async ({ dataUrls, folder }) => {
    const [url = ''] = dataUrls;
    for (let i = 0; i < databaseCount; i++) {
      const name = `brief_${i}`;
      await query(url, `CREATE DATABASE ${name} WITH REPLICATION ${dataUrls.length}`);
      // Sent and not waited for: some of them arrive when the database is gone.
      const writes = dataUrls.map((one) =>
        fetch(`${one}/write?db=${name}`, { method: 'POST', body: `m v=${i} ${i}` }),
      );
      await writes[0];
      await query(url, `DROP DATABASE ${name}`);
      await Promise.all(writes);
    }
    await eventually(() => {
      const left = shardsLeft(folder);
      if (left.length > 0)
        throw new Error(`${left.length} shards stay: ${left.slice(0, 3).join(', ')}`);
      return Promise.resolve();
    }, patienceMs);
  },
};

/** Folders of shards of the databases, whole or about to go. */
function shardsLeft(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((node) => {
    const data = join(folder, node, 'data');
    if (!existsSync(data)) return [];
    const names = readdirSync(data).filter((name) => name.startsWith('brief_'));
    const policies = names.map((name) => join(data, name, 'autogen')).filter(existsSync);
    return policies.flatMap((policy) => readdirSync(policy).map((shard) => join(policy, shard)));
  });
}
