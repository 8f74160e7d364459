import { availableParallelism } from 'node:os';
import type { CompressionLevel } from '../backup/gzip-blocks.ts';
import type { Strategy } from '../backup/manifest.ts';
import { takeBackup, type BackupOptions } from '../backup/take-backup.ts';
import { DbError } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { backupStoreAt, bufferBytesDefault } from './backup-places.ts';
import { ClusterRpc } from './cluster-rpc.ts';
import { ClusterShards } from './cluster-shards.ts';
import { profiled } from './cpu-profile.ts';
import { FlagValues } from './flag-values.ts';
import { compress, decompress } from './gzip-streams.ts';
import type { DataTls, MetaCaller } from './meta-http.ts';
import { verify } from './verify-backup.ts';

export interface BackupCommandPorts {
  readonly meta: MetaCaller;
  readonly out: (text: string) => void;
  /** `[meta] internal-shared-secret` of the configuration; '' for none. */
  readonly internalSecret: string;
  /** How data nodes are called; undefined: without TLS. */
  readonly dataTls: DataTls | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From now on the first Ctrl-C ends what is under way in its own way. */
  readonly interrupts?: (() => AbortSignal) | undefined;
}

const backupFlags = {
  bufsize: 'text',
  cpuprofile: 'text',
  db: 'text',
  end: 'text',
  estimate: 'switch',
  from: 'text',
  full: 'switch',
  gzipBlockCount: 'text',
  gzipBlockSize: 'text',
  gzipCompressionLevel: 'text',
  rp: 'text',
  shard: 'text',
  'staleness-threshold': 'text',
  start: 'text',
  strategy: 'text',
} as const;

const strategies: readonly Strategy[] = ['only-meta', 'full', 'incremental'];
/** `none`: gzip's form without its work. */
const levels: Readonly<Record<string, CompressionLevel>> = {
  default: 'default',
  full: 'full',
  speedy: 'speedy',
  none: 'stored',
};
const blockBytesDefault = 1_048_576;
/** What is compressed at a time is in memory, for each of several shards. */
const blockBytesMax = 256 * 1_048_576;
const blockCountMax = 256;

/** `influxd-ctl backup` and `backup verify` (spec 2.2, F82, F83). */
export async function backup(args: readonly string[], ports: BackupCommandPorts): Promise<void> {
  if (args[0] === 'verify') {
    await verify(args.slice(1), { out: ports.out, environment: ports.environment, decompress });
    return;
  }
  const flags = parseGoFlags(args, backupFlags);
  const values = new FlagValues(flags);
  const options = optionsOf(values);
  const [place = '', ...extra] = flags.rest;
  if (place === '') throw wrong('backup path required');
  if (extra.length > 0) throw wrong(`unexpected extra arguments: [${extra.join(' ')}]`);
  const bufferBytes = atLeastOne(values, 'bufsize', { fallback: bufferBytesDefault, max: blockBytesMax }); // prettier-ignore
  const cluster = new ClusterRpc({ ...ports, secret: ports.internalSecret });
  try {
    const { clock } = cluster;
    const store = await backupStoreAt(place, { environment: ports.environment, bufferBytes });
    const source = new ClusterShards(cluster, ports.meta);
    const interrupt = ports.interrupts?.();
    await profiled(values.text('cpuprofile'), () =>
      takeBackup({ clock, source, store, compress, out: ports.out, interrupt }, options),
    );
  } finally {
    await cluster.close();
  }
}

function optionsOf(values: FlagValues): BackupOptions {
  const given = values.has('full') ? 'full' : values.text('strategy', 'incremental');
  const strategy = strategies.find((one) => one === given);
  if (strategy === undefined) throw wrong(`invalid -strategy: ${given}`);
  const filter = {
    database: values.text('db'),
    retentionPolicy: values.text('rp'),
    shardId: values.count('shard', 0),
    startNs: values.timeNs('start'),
    endNs: values.timeNs('end'),
  };
  const { database, retentionPolicy, startNs, endNs } = filter;
  if (retentionPolicy !== '' && database === '') throw wrong('-rp requires -db');
  if (strategy === 'full' && (startNs !== undefined || endNs !== undefined))
    throw wrong('-start and -end cannot be used with -strategy full');
  if (startNs !== undefined && endNs !== undefined && startNs > endNs)
    throw wrong('-start is after -end');
  const name = values.text('gzipCompressionLevel', 'default');
  const level = Object.hasOwn(levels, name) ? levels[name] : undefined;
  if (level === undefined) throw wrong(`invalid -gzipCompressionLevel: ${name}`);
  const gzip = {
    level,
    blockBytes: atLeastOne(values, 'gzipBlockSize', { fallback: blockBytesDefault, max: blockBytesMax }), // prettier-ignore
    blockCount: atLeastOne(values, 'gzipBlockCount', { fallback: availableParallelism(), max: blockCountMax }), // prettier-ignore
  };
  return {
    strategy,
    filter,
    from: values.text('from'),
    stalenessNs: values.durationNs('staleness-threshold'),
    gzip,
    isEstimate: values.has('estimate'),
  };
}

function atLeastOne(
  values: FlagValues,
  flag: string,
  { fallback, max }: { readonly fallback: number; readonly max: number },
): number {
  const value = values.count(flag, fallback);
  if (value >= 1 && value <= max) return value;
  throw wrong(`-${flag} must be from 1 to ${max}`);
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
