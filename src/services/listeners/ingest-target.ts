/**
 * What the points of a listener are written to, made by the first node that needs it. The reference's listeners differ: UDP,
 * collectd and OpenTSDB make a database alone, Graphite its retention policy too.
 */
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { defaultReplicaCount } from '../../meta/apply/apply-schema.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';

type Meta = Pick<MetaAccess, 'catalog' | 'execute'>;

/** Throws what the metas answer, `unavailable` while they are away; a database that is there needs none of them. */
export async function makeDatabase(meta: Meta, name: string): Promise<void> {
  if (findDatabase(meta.catalog, name) !== undefined) return;
  await meta.execute({ kind: 'create-database', name });
}

/** The policy is made as the database's default; '' stands for the one that the database has. */
export async function makePolicy(meta: Meta, database: string, policy: string): Promise<void> {
  const { catalog } = meta;
  const found = findDatabase(catalog, database);
  if (found === undefined && policy === '') {
    await meta.execute({ kind: 'create-database', name: database });
    return;
  }
  if (found !== undefined && findRetentionPolicy(found, policy) !== undefined) return;
  // As many copies as a policy has that names no number: points that come without a user are worth no less.
  const spec = { name: policy, replication: defaultReplicaCount(catalog) };
  await meta.execute(
    found === undefined
      ? { kind: 'create-database', name: database, policy: spec }
      : { kind: 'create-retention-policy', database, policy: spec, isDefault: true },
  );
}
