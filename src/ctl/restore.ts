import type { BackupSet } from '../backup/backup-set.ts';
import { overwriteFacts, restoreBackup, type RestoreOptions } from '../backup/restore-backup.ts';
import { newestOf } from '../backup/backup-set.ts';
import type { Manifest } from '../backup/manifest.ts';
import { DbError } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import type { BackupCommandPorts } from './backup.ts';
import { openBackup } from './backup-places.ts';
import { ClusterRpc } from './cluster-rpc.ts';
import { ClusterShards } from './cluster-shards.ts';
import { FlagValues } from './flag-values.ts';
import { decompress } from './gzip-streams.ts';
import { formatTable } from './table.ts';

const restoreFlags = {
  db: 'text',
  full: 'switch',
  list: 'switch',
  'meta-only-overwrite-force': 'switch',
  newdb: 'text',
  newduration: 'text',
  newrf: 'text',
  newrp: 'text',
  newshard: 'text',
  rp: 'text',
  shard: 'text',
} as const;

/** `influxd-ctl restore` (spec 2.2, F84, F85). */
export async function restore(args: readonly string[], ports: BackupCommandPorts): Promise<void> {
  const { meta, out, internalSecret: secret, dataTls, environment } = ports;
  const flags = parseGoFlags(args, restoreFlags);
  const values = new FlagValues(flags);
  const [place = '', ...extra] = flags.rest;
  if (place === '') throw wrong('path with backup files required');
  if (extra.length > 0) throw wrong(`unexpected extra arguments: [${extra.join(' ')}]`);
  const options = optionsOf(values);
  const isManifest = values.has('full');
  const { store, set } = await openBackup(place, { isManifest, environment });
  if (values.has('list')) {
    out(listOf(set));
    return;
  }
  out(`${isManifest ? 'Using manifest' : 'Using backup directory'}: ${place}\n`);
  const shown = isManifest ? store.place : place;
  const cluster = new ClusterRpc({ meta, secret, dataTls });
  try {
    const target = new ClusterShards(cluster, meta);
    // Whoever may not bring shards is told before anything is changed.
    await target.survey(await target.catalog());
    const run = { clock: cluster.clock, store, target, decompress, out };
    if (values.has('meta-only-overwrite-force')) await overwriteFacts(run, set, shown);
    else await restoreBackup(run, set, { ...options, place: shown });
  } finally {
    await cluster.close();
  }
}

function optionsOf(values: FlagValues): Omit<RestoreOptions, 'place'> {
  const filter = {
    database: values.text('db'),
    retentionPolicy: values.text('rp'),
    shardId: values.count('shard', 0),
  };
  const newReplicas = values.has('newrf') ? values.count('newrf', 0) : undefined;
  const changes = {
    newDatabase: values.text('newdb'),
    newPolicy: values.text('newrp'),
    newDurationNs: values.durationNs('newduration'),
    newReplicas,
  };
  const needs = (flag: string, other: string): void => {
    if (values.has(flag) && !values.has(other)) throw wrong(`-${flag} requires -${other}`);
  };
  needs('rp', 'db');
  needs('newdb', 'db');
  needs('newrp', 'rp');
  needs('newduration', 'rp');
  needs('newshard', 'shard');
  if (newReplicas === 0) throw wrong('-newrf must be greater than 0');
  // What they ask for would not be done, and nobody told.
  const refuses = (flag: string, others: readonly string[]): void => {
    const other = others.find((one) => values.has(flag) && values.has(one));
    if (other !== undefined) throw wrong(`-${flag} cannot be used with -${other}`);
  };
  const changeFlags = ['newdb', 'newrp', 'newduration', 'newrf'];
  refuses('newshard', changeFlags);
  refuses('meta-only-overwrite-force', ['db', 'rp', 'shard', 'newshard', ...changeFlags]);
  return { filter, changes, newShardId: values.count('newshard', 0) };
}

/** `-list`: what there is to restore. */
function listOf(set: BackupSet): string {
  const { name, manifest } = newestOf(set, '');
  const head = ['Shard', 'Database', 'Retention Policy', 'Size', 'Moment', 'File'];
  const shards = [...set.shards.values()].sort((a, b) => a.shardID - b.shardID);
  const rows = shards.map(({ shardID, database, policy, size, moment = '', fileName }) => {
    return [`${shardID}`, database, policy, `${size}`, moment, fileName];
  });
  const strategyOf = ({ strategy, limited }: Manifest): string => strategy ?? (limited ? 'limited' : 'full'); // prettier-ignore
  const isOther = ({ cluster_id: cluster }: Manifest): boolean => cluster !== undefined && cluster !== manifest.cluster_id; // prettier-ignore
  const backups = [...set.manifests, ...set.others].map((one) => [
    one.name,
    `${strategyOf(one.manifest)}${isOther(one.manifest) ? ', of another cluster' : ''}`,
    `${one.manifest.files.length}`,
  ]);
  const table = { widthMin: 0, padding: 2 };
  return [
    `Backups\n==========\n${formatTable([['Manifest', 'Strategy', 'Shards'], ...backups], table)}`,
    `Meta data\n==========\n${manifest.meta.fileName}, ${manifest.meta.size} bytes, of ${name}\n`,
    `Shards\n==========\n${formatTable([head, ...rows], table)}`,
  ].join('\n');
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
